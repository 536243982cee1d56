#include "backend/azure/tokens.hpp"

#include "backend/azure/shared_key.hpp"
#include "backend/credential_service.hpp"
#include "backend/json.hpp"
#include "backend/ranged_get.hpp"
#include "base/text.hpp"
#include "http/status.hpp"

namespace replica::azure {

using base::concat;
using Found = Result<std::optional<Token>>;

namespace {

constexpr std::chrono::seconds kServicePatience{20}, kMachinePatience{2};
constexpr std::chrono::minutes kEarly{5};  // before it expires
constexpr std::string_view kResource = "https://storage.azure.com/";

constexpr TokenSource kSources[] = {from_entra, from_app_service, from_machine, from_cli};

// A number at one service, a text at another.
std::optional<std::uint64_t> seconds_in(const boost::json::object& object, std::string_view name) {
  constexpr std::uint64_t kSane = std::uint64_t{1} << 40U;
  const std::string text = backend::text_in(object, name);
  const auto number = text.empty() ? backend::number_in(object, name) : backend::parse_number(text).value_or(0);
  return number > 0 && number < kSane ? std::optional(number) : std::nullopt;
}

// "invalid_client, AADSTS7000215": descriptions may repeat what they were sent.
std::string refusal_of(std::string_view text) {
  const auto object = backend::parse_object(text);
  if (!object) return {};
  std::string out = backend::text_in(*object, "error");
  const std::string description = backend::text_in(*object, "error_description");
  if (description.starts_with("AADSTS")) out += ", " + description.substr(0, description.find_first_of(": "));
  return out;
}

Result<Token> token_in(std::string_view text, Timestamp now) {
  const auto object = backend::parse_object(text);
  Token out{.text = object ? backend::text_in(*object, "access_token") : std::string()};
  if (out.text.empty() || out.text.find_first_of("\r\n") != std::string::npos)
    return fail(Errc::unavailable, "the answer holds no token");
  if (const auto seconds = seconds_in(*object, "expires_in")) {
    out.expires_at = now + std::chrono::seconds(*seconds);
  } else if (const auto at = seconds_in(*object, "expires_on")) {
    out.expires_at = Timestamp(std::chrono::seconds(*at));
  } else {
    return fail(Errc::unavailable, "the answer does not say how long the token is good");
  }
  return out;
}

Found judge(const TokenSurroundings& around, const http::Response& answer, std::string_view what) {
  if (!answer.ok()) {
    Error error = http::error_of(answer, what, refusal_of(answer.body));
    if (!is_retryable(error)) error.code = Errc::permission_denied;
    return Failure(std::move(error));
  }
  auto token = token_in(answer.body, around.clock.now());
  if (!token) return pass(token, what);
  return std::optional(std::move(*token));
}

Found fetch(const TokenSurroundings& around, http::Request request, std::string_view what, const Call& call) {
  auto answer = backend::ask_for_credentials(*around.http, std::move(request), what, call);
  if (!answer) return pass(answer);
  return judge(around, *answer, what);
}

std::string identity_query(const TokenSurroundings& around, const char* version) {
  Query query{{"api-version", version}, {"resource", std::string(kResource)}};
  if (const std::string client = around.variable("AZURE_CLIENT_ID"); !client.empty())
    query.emplace_back("client_id", client);
  return encode_query(query);
}

}  // namespace

Found from_entra(const TokenSurroundings& around, const Call& call) {
  constexpr std::string_view kWhat = "token of Entra ID";
  const std::string tenant = around.variable("AZURE_TENANT_ID"), client = around.variable("AZURE_CLIENT_ID"),
                    secret = around.variable("AZURE_CLIENT_SECRET"),
                    file = around.variable("AZURE_FEDERATED_TOKEN_FILE");
  if (tenant.empty() || client.empty() || (secret.empty() && file.empty())) return std::nullopt;
  Query form{{"grant_type", "client_credentials"}, {"client_id", client}, {"scope", concat(kResource, ".default")}};
  if (!secret.empty()) {
    form.emplace_back("client_secret", secret);
  } else {
    auto assertion = backend::read_small_file(file);
    if (!assertion) return pass(assertion, kWhat);
    if (assertion->empty()) return fail(Errc::unavailable, concat(kWhat, ": ", file, " is not there or empty"));
    form.emplace_back("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer");
    form.emplace_back("client_assertion", backend::trimmed(*assertion));
  }
  std::string authority = backend::without_slashes(around.variable("AZURE_AUTHORITY_HOST"));
  if (authority.empty()) authority = "https://login.microsoftonline.com";
  if (!backend::may_carry_secrets(authority))
    return fail(Errc::invalid_argument, concat(kWhat, ": AZURE_AUTHORITY_HOST must be a URL with https"));
  const std::string text = encode_query(form);
  MemorySource body(std::as_bytes(std::span(text)));
  auto token = fetch(around,
                     {.method = "POST",
                      .url = concat(authority, "/", http::percent_encode(tenant), "/oauth2/v2.0/token"),
                      .headers = {{"Content-Type", "application/x-www-form-urlencoded"}},
                      .body = &body},
                     kWhat, backend::within(call, kServicePatience));
  if (!token && token.error().code == Errc::permission_denied)
    token.error().hint = "check AZURE_TENANT_ID, AZURE_CLIENT_ID and the secret";
  return token;
}

Found from_app_service(const TokenSurroundings& around, const Call& call) {
  const std::string endpoint = around.variable("IDENTITY_ENDPOINT"), header = around.variable("IDENTITY_HEADER");
  if (endpoint.empty() || header.empty()) return std::nullopt;
  return fetch(around,
               {.url = concat(endpoint, "?", identity_query(around, "2019-08-01")),
                .headers = {{"X-IDENTITY-HEADER", header}},
                .no_proxy = true},
               "token of the managed identity", backend::within(call, kServicePatience));
}

Found from_machine(const TokenSurroundings& around, const Call& call) {
  constexpr std::string_view kWhat = "token of the managed identity";
  std::string base = backend::without_slashes(around.variable("AZURE_POD_IDENTITY_AUTHORITY_HOST"));
  if (base.empty()) base = "http://169.254.169.254";
  auto answer = backend::ask_for_credentials(
      *around.http,
      {.url = concat(base, "/metadata/identity/oauth2/token?", identity_query(around, "2018-02-01")),
       .headers = {{"Metadata", "true"}},
       .no_proxy = true},
      kWhat, backend::within(call, kMachinePatience));
  if (auto going = call.check(kWhat); !going) return pass(going);
  if (!answer) return std::nullopt;                                         // not on such a machine
  if (answer->status == 400 || answer->status == 404) return std::nullopt;  // it has no identity
  return judge(around, *answer, kWhat);
}

Result<std::string> TokenCache::get(const Call& call) {
  const std::scoped_lock lock(mutex_);
  const Timestamp now = around_.clock.now();
  if (kept_ && now + kEarly < kept_->expires_at) return kept_->text;
  // What is still good for a few minutes is used while its source is out of reach.
  const bool still_good = kept_ && now < kept_->expires_at;
  for (const TokenSource source : kSources) {
    auto found = source(around_, call);
    if (!found && still_good) return kept_->text;
    if (!found) return pass(found, "find credentials");
    if (!*found) continue;
    kept_ = std::move(**found);
    return kept_->text;
  }
  if (still_good) return kept_->text;
  return fail(Errc::permission_denied, "no credentials for the blob store found",
              "set account-key or sas-token, AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_CLIENT_SECRET, give this "
              "machine a managed identity, or log in with `az login`");
}

void TokenCache::forget(std::string_view refused) {
  const std::scoped_lock lock(mutex_);
  if (kept_ && kept_->text == refused) kept_.reset();
}

}  // namespace replica::azure
