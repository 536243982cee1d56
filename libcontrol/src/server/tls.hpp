// The server's side of TLS: certificate, key and client CA, and their exchange at run time.
#pragma once

#include <boost/asio/ssl/context.hpp>
#include <memory>

#include "control/server.hpp"

namespace control {

using TlsContext = std::shared_ptr<boost::asio::ssl::context>;

// TLS 1.2 and 1.3. Errors name the file: "cannot use certificate PATH: …", reason "invalid_certificate".
Result<TlsContext> make_tls_context(const TlsOptions& options);

}  // namespace control
