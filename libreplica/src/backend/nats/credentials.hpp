// What a user proves who he is with: a JWT, and the seed of the nkey that signs for it.
#pragma once

#include <string>
#include <string_view>

#include "replica/result.hpp"

namespace replica::backend::nats {

struct Credentials {
  std::string jwt, seed;
};

// Of the text of a credentials file, as `nsc` writes it: each between a line of dashes that names it and another line
// of dashes. permission_denied when one is missing; no part of the text is in the error.
Result<Credentials> parse_credentials(std::string_view text);
// permission_denied too when it is not there or empty.
Result<Credentials> read_credentials(const std::string& path);

}  // namespace replica::backend::nats
