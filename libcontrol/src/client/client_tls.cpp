#include "client/client_tls.hpp"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <array>

namespace control {
namespace {

struct Free {
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
  void operator()(SSL* session) const { SSL_free(session); }
};

std::string last_error() {
  const unsigned long code = ERR_get_error();
  const char* text = code != 0 ? ERR_reason_error_string(code) : nullptr;
  ERR_clear_error();
  return text != nullptr ? text : "unexpected end";
}

Failure failure(std::string message, std::string reason, std::string hint = {}) {
  return fail({.code = code::kTransport,
               .message = "tls: " + std::move(message),
               .reason = std::move(reason),
               .hint = std::move(hint)});
}

Failure unusable(const char* what, const std::string& file) {
  return failure(std::string("cannot use ") + what + " " + file + ": " + last_error(), "invalid_certificate");
}

bool is_address(const std::string& host) {
  in6_addr address{};
  return ::inet_pton(AF_INET, host.c_str(), &address) == 1 || ::inet_pton(AF_INET6, host.c_str(), &address) == 1;
}

Result<void> load(SSL_CTX* context, const ClientOptions& options) {
  if (options.ca_file.empty()) {
    SSL_CTX_set_default_verify_paths(context);
  } else if (SSL_CTX_load_verify_locations(context, options.ca_file.c_str(), nullptr) != 1) {
    return unusable("CA file", options.ca_file);
  }
  if (options.cert_file.empty()) return {};
  if (SSL_CTX_use_certificate_chain_file(context, options.cert_file.c_str()) != 1) {
    return unusable("certificate", options.cert_file);
  }
  if (SSL_CTX_use_PrivateKey_file(context, options.key_file.c_str(), SSL_FILETYPE_PEM) != 1) {
    return unusable("private key", options.key_file);
  }
  return {};
}

}  // namespace

struct ClientTls::Impl {
  std::unique_ptr<SSL_CTX, Free> context;
  std::unique_ptr<SSL, Free> session;
  BIO* in = nullptr;  // both owned by the session
  BIO* out = nullptr;

  // Why the last call of OpenSSL did not succeed; a value = more must be fed.
  Result<void> explain(int outcome) const {
    if (SSL_get_error(session.get(), outcome) == SSL_ERROR_WANT_READ) return {};
    const long verified = SSL_get_verify_result(session.get());
    if (verified != X509_V_OK) {
      ERR_clear_error();
      return failure(std::string("the server's certificate is not trusted: ") + X509_verify_cert_error_string(verified),
                     "untrusted_certificate", "name the CA that signed it, with -ca");
    }
    return failure(last_error(), "tls_failed");
  }
};

ClientTls::ClientTls(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
ClientTls::ClientTls(ClientTls&&) noexcept = default;
ClientTls& ClientTls::operator=(ClientTls&&) noexcept = default;
ClientTls::~ClientTls() = default;

Result<ClientTls> ClientTls::make(const std::string& host, const ClientOptions& options) {
  ERR_clear_error();
  auto impl = std::make_unique<Impl>();
  impl->context.reset(SSL_CTX_new(TLS_client_method()));
  if (impl->context == nullptr) return failure(last_error(), "tls_failed");
  SSL_CTX_set_min_proto_version(impl->context.get(), TLS1_2_VERSION);
  SSL_CTX_set_verify(impl->context.get(), SSL_VERIFY_PEER, nullptr);
  if (Result<void> loaded = load(impl->context.get(), options); !loaded) return fail(std::move(loaded.error()));
  impl->session.reset(SSL_new(impl->context.get()));
  if (impl->session == nullptr) return failure(last_error(), "tls_failed");
  impl->in = BIO_new(BIO_s_mem());
  impl->out = BIO_new(BIO_s_mem());
  SSL* session = impl->session.get();
  SSL_set_bio(session, impl->in, impl->out);
  if (is_address(host)) {
    X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(session), host.c_str());
  } else {
    SSL_set1_host(session, host.c_str());
    // SSL_set_tlsext_host_name(), a macro with a cast of C.
    SSL_ctrl(session, SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name, const_cast<char*>(host.c_str()));
  }
  SSL_set_connect_state(session);
  return ClientTls(std::move(impl));
}

Result<bool> ClientTls::handshake() {
  ERR_clear_error();
  const int outcome = SSL_do_handshake(impl_->session.get());
  if (outcome == 1) return true;
  if (Result<void> why = impl_->explain(outcome); !why) return fail(std::move(why.error()));
  return false;
}

Result<void> ClientTls::write(std::string_view bytes) {
  ERR_clear_error();
  std::size_t written = 0;  // memory takes all of it
  const int outcome = SSL_write_ex(impl_->session.get(), bytes.data(), bytes.size(), &written);
  return outcome == 1 ? Result<void>() : impl_->explain(outcome);
}

Result<std::string> ClientTls::read(bool& ended) {
  ERR_clear_error();
  std::string bytes;
  std::array<char, 1 << 14> chunk;
  for (;;) {
    std::size_t n = 0;
    const int outcome = SSL_read_ex(impl_->session.get(), chunk.data(), chunk.size(), &n);
    if (outcome == 1) {
      bytes.append(chunk.data(), n);
      continue;
    }
    ended = SSL_get_error(impl_->session.get(), outcome) == SSL_ERROR_ZERO_RETURN;
    if (ended || !bytes.empty()) return bytes;
    if (Result<void> why = impl_->explain(outcome); !why) return fail(std::move(why.error()));
    return bytes;
  }
}

void ClientTls::feed(std::string_view records) {
  BIO_write(impl_->in, records.data(), static_cast<int>(records.size()));
}

std::string ClientTls::take_output() {
  std::string records(BIO_ctrl_pending(impl_->out), '\0');
  if (!records.empty()) BIO_read(impl_->out, records.data(), static_cast<int>(records.size()));
  return records;
}

}  // namespace control
