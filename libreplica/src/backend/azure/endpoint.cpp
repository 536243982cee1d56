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

}  // namespace replica::azure
