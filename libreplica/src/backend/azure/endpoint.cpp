#include "backend/azure/endpoint.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "http/message.hpp"

namespace replica::azure {

Result<Endpoint> endpoint_of(const AzureOptions& options) {
  if (options.endpoint.empty() && options.account.empty())
    return fail(Errc::invalid_argument, "account name required when endpoint not specified");
  std::string text = options.endpoint;
  if (text.empty()) text = base::concat("https://", options.account, ".blob.core.windows.net");
  Endpoint out;
  const std::size_t scheme = text.find("://");
  if (scheme != std::string::npos) out.scheme = text.substr(0, scheme);
  const std::size_t host = scheme == std::string::npos ? 0 : scheme + 3;
  const std::size_t slash = std::min(text.find('/', host), text.size());
  out.host = text.substr(host, slash - host);
  const bool known = out.scheme == "http" || out.scheme == "https";
  if (!known || out.host.empty() || text.find_first_of("@?# \t", host) != std::string::npos)
    return fail(Errc::invalid_argument, "the endpoint is not an http or https URL", "write it as https://HOST:PORT");
  out.path = text.substr(slash);
  while (out.path.ends_with('/')) out.path.pop_back();
  out.path += "/" + http::percent_encode(options.container);
  return out;
}

bool is_private(std::string_view url) noexcept {
  if (url.starts_with("https://")) return true;
  constexpr std::string_view kPlain = "http://";
  if (!url.starts_with(kPlain)) return false;
  url.remove_prefix(kPlain.size());
  if (url.starts_with("[::1]")) return true;
  const std::string_view host = url.substr(0, url.find_first_of(":/"));
  return host == "localhost" ||
         (host.starts_with("127.") && host.find_first_not_of("0123456789.") == std::string_view::npos);
}

}  // namespace replica::azure
