#include "backend/azure/endpoint.hpp"

#include "base/text.hpp"
#include "http/message.hpp"

namespace replica::azure {

Result<backend::Endpoint> endpoint_of(const AzureOptions& options) {
  if (options.endpoint.empty() && options.account.empty())
    return fail(Errc::invalid_argument, "account name required when endpoint not specified");
  auto out = backend::parse_endpoint(options.endpoint.empty()
                                         ? base::concat("https://", options.account, ".blob.core.windows.net")
                                         : options.endpoint);
  if (!out) return out;
  out->path += "/" + http::percent_encode(options.container);
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
