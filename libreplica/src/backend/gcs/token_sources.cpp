// Tokens for a key file (service account or user), and those of a machine's own account.
#include "backend/clock_check.hpp"
#include "backend/credential_service.hpp"
#include "backend/gcs/jwt.hpp"
#include "backend/gcs/tokens.hpp"
#include "backend/json.hpp"
#include "base/text.hpp"
#include "http/status.hpp"

namespace replica::gcs {

using backend::number_in;
using backend::text_in;
using backend::trimmed;
using base::concat;

namespace {

constexpr const char* kScope = "https://www.googleapis.com/auth/devstorage.read_write";
constexpr const char* kTokenUri = "https://oauth2.googleapis.com/token";
constexpr const char* kMetadataHost = "169.254.169.254";
constexpr std::size_t kLimit = std::size_t{64} * 1024;
constexpr std::chrono::seconds kServicePatience{20}, kMetadataPatience{3};
constexpr std::chrono::seconds kLifetime{3600};  // of a signed request, at most an hour

using Form = std::vector<std::pair<std::string_view, std::string>>;

std::string encode_form(const Form& fields) {
  std::string out;
  for (const auto& [name, value] : fields)
    out += concat(out.empty() ? "" : "&", name, "=", http::percent_encode(value));
  return out;
}

Result<Token> parse_token(std::string_view text, Timestamp now) {
  const auto answer = backend::parse_object(text);
  Token out;
  if (answer) out.text = text_in(*answer, "access_token");
  // It goes into a header.
  if (out.text.find_first_of(" \t\r\n") != std::string::npos) out.text.clear();
  if (out.text.empty()) return fail(Errc::unavailable, "the answer holds no token");
  out.expires_at = now + std::chrono::seconds(std::min<std::uint64_t>(number_in(*answer, "expires_in"), 86'400));
  return out;
}

// The error of OAuth: a code and perhaps a sentence.
Error token_error(const http::Response& response, std::string_view what, std::string_view hint, Timestamp now) {
  std::string detail;
  if (const auto answer = backend::parse_object(response.body)) {
    detail = text_in(*answer, "error");
    if (const std::string more = text_in(*answer, "error_description"); !more.empty()) detail += ": " + more;
  }
  Error error = http::error_of(response, what, detail);
  // 400 invalid_grant, 401 invalid_client, 404 of an account that is gone.
  if (is_retryable(error)) return error;
  error.code = Errc::permission_denied;
  error.hint = backend::clock_hint(response, now);
  if (error.hint.empty()) error.hint = hint;
  return error;
}

Result<Token> ask(const std::string& url, const Form& form, std::string_view what, const Surroundings& around,
                  const Call& call) {
  if (!backend::may_carry_secrets(url))
    return fail(Errc::invalid_argument, concat(what, ": token_uri leads to another machine without https"));
  const std::string text = encode_form(form);
  MemorySource body(std::as_bytes(std::span(text)));
  const Timestamp now = around.clock.now();
  const http::Request request{
      .method = "POST", .url = url, .headers = {{"Content-Type", "application/x-www-form-urlencoded"}}, .body = &body};
  auto answer = backend::ask_for_credentials(*around.http, request, what, backend::within(call, kServicePatience));
  if (!answer) return pass(answer);
  if (!answer->ok())
    return Failure(token_error(*answer, what, "the credentials are not (or no longer) good: make a new key", now));
  auto token = parse_token(answer->body, now);
  if (!token) return pass(token, what);
  return token;
}

Result<Token> ask_as_service(const boost::json::object& key, const Surroundings& around, const Call& call) {
  const std::string account = text_in(key, "client_email"), pem = text_in(key, "private_key");
  if (account.empty() || pem.empty()) return fail(Errc::invalid_argument, "client_email or private_key is missing");
  std::string uri = text_in(key, "token_uri");
  if (uri.empty()) uri = kTokenUri;
  boost::json::object header{{"alg", "RS256"}, {"typ", "JWT"}};
  if (const std::string id = text_in(key, "private_key_id"); !id.empty()) header["kid"] = id;
  const auto now = std::chrono::floor<std::chrono::seconds>(around.clock.now().time_since_epoch()).count();
  const boost::json::object claims{
      {"iss", account}, {"scope", kScope}, {"aud", uri}, {"iat", now}, {"exp", now + kLifetime.count()}};
  auto assertion = sign_jwt(boost::json::serialize(header), boost::json::serialize(claims), pem);
  if (!assertion) return pass(assertion);
  return ask(uri, {{"grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer"}, {"assertion", *assertion}},
             "token of the service account", around, call);
}

Result<Token> ask_as_user(const boost::json::object& key, const Surroundings& around, const Call& call) {
  Form form{{"grant_type", "refresh_token"}};
  for (const char* name : {"client_id", "client_secret", "refresh_token"}) {
    form.emplace_back(name, text_in(key, name));
    if (form.back().second.empty()) return fail(Errc::invalid_argument, concat(name, " is missing"));
  }
  std::string uri = text_in(key, "token_uri");
  if (uri.empty()) uri = kTokenUri;
  return ask(uri, form, "token of the user", around, call);
}

}  // namespace

Result<KeyFile> read_key_file(const std::string& given, const backend::Environment& environment) {
  const auto variable = [&](std::string_view name) { return environment(name).value_or(std::string()); };
  KeyFile out{.path = given, .text = {}};
  if (out.path.empty()) out.path = variable("GOOGLE_APPLICATION_CREDENTIALS");
  const bool wanted = !out.path.empty();
  if (!wanted) {
    std::string folder = variable("CLOUDSDK_CONFIG");
    if (const std::string home = variable("HOME"); folder.empty() && !home.empty()) folder = home + "/.config/gcloud";
    if (folder.empty()) return out;
    out.path = folder + "/application_default_credentials.json";
  }
  auto text = backend::read_small_file(out.path);
  if (!text) return pass(text, "read credentials");
  out.text = std::move(*text);
  if (wanted && out.text.empty())
    return fail(Errc::permission_denied, "credentials file " + out.path + " is not there or empty",
                "set credentials-path or GOOGLE_APPLICATION_CREDENTIALS to the key file of a service account");
  return out;
}

Result<Token> token_by_key_file(const KeyFile& file, const Surroundings& around, const Call& call) {
  const auto key = backend::parse_object(file.text);
  const std::string type = key ? text_in(*key, "type") : std::string();
  Result<Token> token = fail(Errc::unsupported, concat("credentials of type \"", type.substr(0, 60), "\""),
                             "use the key file of a service account, or that of a user");
  if (!key || type.empty()) {
    token = fail(Errc::invalid_argument, "no key file of Google");
  } else if (type == "service_account") {
    token = ask_as_service(*key, around, call);
  } else if (type == "authorized_user") {
    token = ask_as_user(*key, around, call);
  }
  if (!token) return pass(token, file.path);
  return token;
}

Result<Token> token_of_machine(const Surroundings& around, const Call& call) {
  std::string host = around.variable("GCE_METADATA_HOST");
  if (host.empty()) host = kMetadataHost;
  const http::Request request{
      .url = concat("http://", host, "/computeMetadata/v1/instance/service-accounts/default/token?scopes=",
                    http::percent_encode(kScope)),
      .headers = {{"Metadata-Flavor", "Google"}},
      .no_proxy = true,
      .body_limit = kLimit,
      .kind = RequestClass::login};
  const Timestamp now = around.clock.now();
  auto answer = around.http->send(request, backend::within(call, kMetadataPatience));
  if (auto going = call.check("metadata of the machine"); !going) return pass(going);
  if (!answer || answer->header("metadata-flavor") != "Google")
    return fail(Errc::permission_denied, "no credentials for Google Cloud Storage found",
                "set credentials-path or GOOGLE_APPLICATION_CREDENTIALS to the key file of a service account");
  if (!answer->ok())
    return Failure(token_error(*answer, "metadata of the machine", "give the machine a service account", now));
  auto token = parse_token(trimmed(answer->body), now);
  if (!token) return pass(token, "metadata of the machine");
  return token;
}

}  // namespace replica::gcs
