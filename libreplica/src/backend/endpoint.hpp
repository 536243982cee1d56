// The address of a store's service.
#pragma once

#include "replica/result.hpp"

namespace replica::backend {

struct Endpoint {
  std::string scheme = "https", host;  // host[:port]
  std::string path;                    // without a slash at its end
};

// "[http[s]://]HOST[:PORT][/PATH]"; invalid_argument for anything else.
Result<Endpoint> parse_endpoint(std::string_view text);

}  // namespace replica::backend
