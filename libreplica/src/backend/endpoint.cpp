#include "backend/endpoint.hpp"

#include <algorithm>

namespace replica::backend {

Result<Endpoint> parse_endpoint(std::string_view text) {
  Endpoint out;
  const std::size_t scheme = text.find("://");
  if (scheme != std::string_view::npos) {
    out.scheme = text.substr(0, scheme);
    text.remove_prefix(scheme + 3);
  }
  const bool known = out.scheme == "http" || out.scheme == "https";
  const std::size_t slash = std::min(text.find('/'), text.size());
  out.host = text.substr(0, slash);
  out.path = text.substr(slash);
  while (out.path.ends_with('/')) out.path.pop_back();
  if (!known || out.host.empty() || out.host.find_first_of("@?# \t") != std::string::npos)
    return fail(Errc::invalid_argument, "the endpoint is not an http or https URL", "write it as https://HOST:PORT");
  return out;
}

}  // namespace replica::backend
