// The HTTP client of a store.
#pragma once

#include <memory>

#include "http/client.hpp"

namespace replica::backend {

// Shared with every store whose options say the same of connections. StoreOptions: S3Options, GcsOptions …
template <class StoreOptions>
std::shared_ptr<http::Client> client_for(const StoreOptions& options) {
  http::ClientOptions out;
  out.connect_timeout = options.connect_timeout;
  out.progress_timeout = options.progress_timeout;
  out.ca_bundle = options.ca_bundle;
  out.skip_verify = options.skip_verify;
  return http::shared_client(out);
}

}  // namespace replica::backend
