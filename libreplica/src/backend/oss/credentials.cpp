#include "backend/oss/credentials.hpp"

#include "backend/credential_service.hpp"
#include "backend/json.hpp"
#include "backend/oss/signature.hpp"
#include "base/text.hpp"
#include "http/status.hpp"

namespace replica::oss {

using base::concat;
using s3::Surroundings;
using s3::TemporaryCredentials;
using Found = Result<std::optional<TemporaryCredentials>>;

namespace {

constexpr std::chrono::seconds kServicePatience{20}, kInstancePatience{2};

constexpr s3::CredentialSource kSources[] = {from_environment, from_oidc, from_uri, from_instance};

// AccessKeyId, AccessKeySecret, SecurityToken and Expiration, as all of them have it.
Found keys_in(const boost::json::object& object, std::string_view what) {
  TemporaryCredentials out{.keys = {.access_key_id = backend::text_in(object, "AccessKeyId"),
                                    .secret_access_key = backend::text_in(object, "AccessKeySecret"),
                                    .session_token = backend::text_in(object, "SecurityToken")}};
  const auto expires = parse_rfc3339(backend::text_in(object, "Expiration"));
  if (out.keys.access_key_id.empty() || out.keys.secret_access_key.empty() || !expires ||
      out.keys.session_token.find_first_of("\r\n") != std::string::npos)
    return fail(Errc::unavailable, concat(what, ": the answer holds no credentials"));
  out.expires_at = *expires;
  return out;
}

// What a service says of a refusal: a word, never more, for descriptions may repeat what they were sent.
Error refusal(const http::Response& answer, std::string_view what) {
  const auto object = backend::parse_object(answer.body);
  Error error = http::error_of(answer, what, object ? backend::text_in(*object, "Code") : std::string());
  if (!is_retryable(error)) error.code = Errc::permission_denied;
  return error;
}

Result<std::string> fetch(const Surroundings& around, http::Request request, std::string_view what, const Call& call) {
  auto answer = backend::ask_for_credentials(*around.http, std::move(request), what, call);
  if (!answer) return pass(answer);
  if (!answer->ok()) {
    Error error = refusal(*answer, what);
    if (answer->status == 404) error.code = Errc::not_found;
    return Failure(std::move(error));
  }
  return std::move(answer->body);
}

// The services of a machine are also at addresses of its own.
bool may_carry_keys(std::string_view url) { return backend::may_carry_secrets(url, {"100.100.100.200", "169.254."}); }

}  // namespace

Found from_environment(const Surroundings& around, const Call&) {
  for (const std::string_view prefix : {"OSS", "ALIBABA_CLOUD"}) {
    const std::string token = prefix == "OSS" ? "_SESSION_TOKEN" : "_SECURITY_TOKEN";
    s3::Credentials keys{.access_key_id = around.variable(concat(prefix, "_ACCESS_KEY_ID")),
                         .secret_access_key = around.variable(concat(prefix, "_ACCESS_KEY_SECRET")),
                         .session_token = around.variable(concat(prefix, token))};
    if (!keys.access_key_id.empty() && !keys.secret_access_key.empty())
      return TemporaryCredentials{.keys = std::move(keys)};
  }
  return std::nullopt;
}

// help.aliyun.com/zh/ram/developer-reference/api-sts-2015-04-01-assumerolewithoidc: it needs no signature.
Found from_oidc(const Surroundings& around, const Call& call) {
  constexpr std::string_view kWhat = "role by OIDC";
  const std::string role = around.variable("ALIBABA_CLOUD_ROLE_ARN"),
                    provider = around.variable("ALIBABA_CLOUD_OIDC_PROVIDER_ARN"),
                    file = around.variable("ALIBABA_CLOUD_OIDC_TOKEN_FILE");
  if (role.empty() || provider.empty() || file.empty()) return std::nullopt;
  auto token = backend::read_small_file(file);
  if (!token) return pass(token, kWhat);
  if (token->empty()) return fail(Errc::unavailable, concat(kWhat, ": ", file, " is not there or empty"));
  std::string session = around.variable("ALIBABA_CLOUD_ROLE_SESSION_NAME");
  if (session.empty()) session = "litestream";
  std::string endpoint = backend::without_slashes(around.variable("LITESTREAM_OSS_STS_ENDPOINT"));
  if (endpoint.empty()) {
    const std::string region = around.variable("ALIBABA_CLOUD_STS_REGION");
    endpoint = concat("https://sts.", region, region.empty() ? "" : ".", "aliyuncs.com");
  }
  if (!may_carry_keys(endpoint))
    return fail(Errc::invalid_argument, concat(kWhat, ": LITESTREAM_OSS_STS_ENDPOINT must be a URL with https"));
  std::string time = to_rfc3339(std::chrono::floor<std::chrono::seconds>(around.clock.now()));
  const std::string query = encode_query({{"Action", "AssumeRoleWithOIDC"},
                                          {"Format", "JSON"},
                                          {"Version", "2015-04-01"},
                                          {"Timestamp", std::move(time)}});
  const std::string form = encode_query({{"RoleArn", role},
                                         {"OIDCProviderArn", provider},
                                         {"OIDCToken", backend::trimmed(*token)},
                                         {"RoleSessionName", session},
                                         {"DurationSeconds", "3600"}});
  MemorySource body(std::as_bytes(std::span(form)));
  auto text = fetch(around,
                    {.method = "POST",
                     .url = concat(endpoint, "/?", query),
                     .headers = {{"Content-Type", "application/x-www-form-urlencoded"}},
                     .body = &body},
                    kWhat, backend::within(call, kServicePatience));
  if (!text) {
    if (text.error().code == Errc::permission_denied)
      text.error().hint = "check ALIBABA_CLOUD_ROLE_ARN, ALIBABA_CLOUD_OIDC_PROVIDER_ARN and the role's trust";
    return pass(text);
  }
  const auto answer = backend::parse_object(*text);
  return keys_in(answer ? backend::object_in(*answer, "Credentials") : boost::json::object(), kWhat);
}

Found from_uri(const Surroundings& around, const Call& call) {
  constexpr std::string_view kWhat = "ALIBABA_CLOUD_CREDENTIALS_URI";
  const std::string url = around.variable(kWhat);
  if (url.empty()) return std::nullopt;
  if (!may_carry_keys(url))
    return fail(Errc::invalid_argument, concat(kWhat, " leads to another machine without https"));
  auto text = fetch(around, {.url = url, .no_proxy = true}, kWhat, backend::within(call, kServicePatience));
  if (!text) return pass(text);
  const auto answer = backend::parse_object(*text);
  return keys_in(answer ? *answer : boost::json::object(), kWhat);
}

Found from_instance(const Surroundings& around, const Call& call) {
  constexpr std::string_view kWhat = "metadata of the instance";
  if (around.variable("ALIBABA_CLOUD_ECS_METADATA_DISABLED") == "true") return std::nullopt;
  std::string base = backend::without_slashes(around.variable("LITESTREAM_OSS_METADATA_ENDPOINT"));
  if (base.empty()) base = "http://100.100.100.200";
  const Call brief = backend::within(call, kInstancePatience);
  auto token = fetch(around,
                     {.method = "PUT",
                      .url = base + "/latest/api/token",
                      .headers = {{"X-aliyun-ecs-metadata-token-ttl-seconds", "21600"}},
                      .no_proxy = true},
                     kWhat, brief);
  if (auto going = call.check(kWhat); !going) return pass(going);
  std::vector<http::Header> headers;
  if (token) {
    headers.push_back({.name = "X-aliyun-ecs-metadata-token", .value = backend::trimmed(*token)});
  } else {
    // One that does not know the token answers all the same; one that does not answer is none.
    const bool is_there = !is_retryable(token.error());
    if (!is_there || around.variable("ALIBABA_CLOUD_IMDSV1_DISABLED") == "true") return std::nullopt;
  }
  const std::string roles = base + "/latest/meta-data/ram/security-credentials/";
  std::string role = around.variable("ALIBABA_CLOUD_ECS_METADATA");
  if (role.empty()) {
    auto named = fetch(around, {.url = roles, .headers = headers, .no_proxy = true}, kWhat, brief);
    if (!named && named.error().code == Errc::not_found) return std::nullopt;  // it has no role
    if (!named) return pass(named);
    role = backend::trimmed(std::string_view(*named).substr(0, named->find('\n')));
  }
  auto text =
      fetch(around, {.url = roles + http::percent_encode(role), .headers = headers, .no_proxy = true}, kWhat, brief);
  if (!text && text.error().code == Errc::not_found)
    return fail(Errc::permission_denied, concat(kWhat, ": there is no role ", role),
                "check ALIBABA_CLOUD_ECS_METADATA and the RAM role of the instance");
  if (!text) return pass(text);
  const auto answer = backend::parse_object(*text);
  return keys_in(answer ? *answer : boost::json::object(), kWhat);
}

s3::CredentialCache credential_cache(std::optional<s3::Credentials> given, Surroundings around) {
  return {std::move(given),
          std::move(around),
          kSources,
          {.code = Errc::permission_denied,
           .message = "no credentials for the OSS store found",
           .hint = "set access-key-id and secret-access-key, or OSS_ACCESS_KEY_ID and OSS_ACCESS_KEY_SECRET, or give "
                   "the instance a RAM role"}};
}

}  // namespace replica::oss
