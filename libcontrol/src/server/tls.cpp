#include "server/tls.hpp"

#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "server/stream_socket.hpp"

namespace control {
namespace {

namespace ssl = boost::asio::ssl;
using boost::system::error_code;

Failure unusable(const char* what, const std::string& file, const error_code& ec) {
  return fail({.message = std::string("cannot use ") + what + " " + file + ": " + ec.message(),
               .reason = "invalid_certificate",
               .hint = "PEM files are expected"});
}

struct FreeNames {
  void operator()(GENERAL_NAMES* names) const { GENERAL_NAMES_free(names); }
};
struct FreeCertificate {
  void operator()(X509* certificate) const { X509_free(certificate); }
};

std::string text_of(const ASN1_STRING* value) {
  return {reinterpret_cast<const char*>(ASN1_STRING_get0_data(value)),
          static_cast<std::size_t>(ASN1_STRING_length(value))};
}

void add_common_names(const X509* certificate, std::vector<std::string>& out) {
  const X509_NAME* subject = X509_get_subject_name(certificate);
  for (int at = -1; (at = X509_NAME_get_index_by_NID(subject, NID_commonName, at)) >= 0;) {
    out.push_back(text_of(X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at))));
  }
}

void add_alternative_names(const X509* certificate, std::vector<std::string>& out) {
  const std::unique_ptr<GENERAL_NAMES, FreeNames> names(
      static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)));
  for (int i = 0; names != nullptr && i < sk_GENERAL_NAME_num(names.get()); ++i) {
    int type = 0;
    const void* value = GENERAL_NAME_get0_value(sk_GENERAL_NAME_value(names.get(), i), &type);
    if (type == GEN_DNS || type == GEN_URI || type == GEN_EMAIL) {
      out.push_back(text_of(static_cast<const ASN1_STRING*>(value)));
    }
  }
}

}  // namespace

Result<TlsContext> make_tls_context(const TlsOptions& options) {
  auto context = std::make_shared<ssl::context>(ssl::context::tls_server);
  SSL_CTX_set_min_proto_version(context->native_handle(), TLS1_2_VERSION);
  // No resumption: who a client is, is said by this handshake and by the client CA of now.
  SSL_CTX_set_session_cache_mode(context->native_handle(), SSL_SESS_CACHE_OFF);
  SSL_CTX_set_options(context->native_handle(), SSL_OP_NO_TICKET);
  SSL_CTX_set_num_tickets(context->native_handle(), 0);
  error_code ec;
  context->use_certificate_chain_file(options.cert_file, ec);
  if (ec) return unusable("certificate", options.cert_file, ec);
  context->use_private_key_file(options.key_file, ssl::context::pem, ec);
  if (ec) return unusable("private key", options.key_file, ec);
  if (options.client_ca_file.empty()) return context;
  context->load_verify_file(options.client_ca_file, ec);
  if (ec) return unusable("client CA", options.client_ca_file, ec);
  // Without a certificate a client may still read /metrics, or have a token.
  context->set_verify_mode(ssl::verify_peer, ec);
  constexpr unsigned char kSessionContext[] = "litestream";  // OpenSSL wants one where clients are verified
  SSL_CTX_set_session_id_context(context->native_handle(), kSessionContext, sizeof(kSessionContext) - 1);
  return context;
}

std::vector<std::string> StreamSocket::peer_names() const {
  std::vector<std::string> names;
  if (!tls_) return names;
  SSL* session = tls_->native_handle();
  const std::unique_ptr<X509, FreeCertificate> certificate(SSL_get1_peer_certificate(session));
  if (certificate == nullptr || SSL_get_verify_result(session) != X509_V_OK) return names;
  add_common_names(certificate.get(), names);
  add_alternative_names(certificate.get(), names);
  return names;
}

}  // namespace control
