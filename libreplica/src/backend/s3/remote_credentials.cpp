// Credentials that a program or a service gives for a while: credential_process, web identity, the container's agent,
// the instance's metadata (IMDSv2).
#include <charconv>
#include <pugixml.hpp>

#include "backend/credential_service.hpp"
#include "backend/s3/flat_json.hpp"
#include "backend/s3/profile.hpp"
#include "base/text.hpp"
#include "http/status.hpp"
#include "io/run_command.hpp"

namespace replica::s3 {

using backend::read_small_file;
using backend::trimmed;
using backend::within;
using base::concat;
using Found = Result<std::optional<TemporaryCredentials>>;

namespace {

constexpr std::size_t kLimit = std::size_t{64} * 1024;
constexpr std::chrono::seconds kServicePatience{20}, kInstancePatience{2}, kProcessPatience{60};

// The object of credential_process, the container's agent and the instance: they differ in the name of the token.
Found from_json(std::string_view text) {
  auto object = parse_flat_json(text);
  if (!object) return fail(Errc::unavailable, "the answer holds no credentials");
  const auto get = [&](std::string_view name) {
    const auto at = object->find(name);
    return at == object->end() || at->second == "null" ? std::string() : at->second;
  };
  TemporaryCredentials out{.keys = {.access_key_id = get("AccessKeyId"),
                                    .secret_access_key = get("SecretAccessKey"),
                                    .session_token = get("SessionToken")}};
  if (out.keys.session_token.empty()) out.keys.session_token = get("Token");
  if (out.keys.access_key_id.empty() || out.keys.secret_access_key.empty())
    return fail(Errc::unavailable, "the answer holds no credentials");
  if (const std::string expires = get("Expiration"); !expires.empty()) {
    auto time = parse_rfc3339(expires);
    if (!time) return fail(Errc::unavailable, "the answer has an Expiration that is no time");
    out.expires_at = *time;
  }
  return out;
}

Result<std::string> fetch(const Surroundings& around, http::Request request, std::string_view what, const Call& call) {
  auto answer = backend::ask_for_credentials(*around.http, std::move(request), what, call);
  if (!answer) return pass(answer);
  if (!answer->ok()) return Failure(http::error_of(*answer, what));
  return std::move(answer->body);
}

}  // namespace

Found from_process(const Surroundings& around, const Call& call) {
  auto profile = load_profile(around.environment);
  if (!profile) return pass(profile);
  if (profile->credential_process.empty()) return std::nullopt;
  auto text = io::run_command(profile->credential_process, kLimit, within(call, kProcessPatience));
  if (!text) return pass(text, "credential_process");
  auto found = from_json(*text);
  if (!found) return pass(found, "credential_process");
  return found;
}

Found from_web_identity(const Surroundings& around, const Call& call) {
  auto profile = load_profile(around.environment);
  if (!profile) return pass(profile);
  const auto choose = [&](std::string_view name, const std::string& other) {
    std::string value = around.variable(name);
    return value.empty() ? other : value;
  };
  const std::string file = choose("AWS_WEB_IDENTITY_TOKEN_FILE", profile->web_identity_token_file);
  const std::string role = choose("AWS_ROLE_ARN", profile->role_arn);
  if (file.empty() || role.empty()) return std::nullopt;
  auto token = read_small_file(file);
  if (!token) return pass(token, "web identity");
  if (token->empty()) return fail(Errc::unavailable, "web identity: " + file + " is not there or empty");
  std::string name = choose("AWS_ROLE_SESSION_NAME", profile->role_session_name);
  if (name.empty()) name = "litestream";
  const std::string form = encode_query({{"Action", "AssumeRoleWithWebIdentity"},
                                         {"Version", "2011-06-15"},
                                         {"RoleArn", role},
                                         {"RoleSessionName", name},
                                         {"WebIdentityToken", trimmed(*token)}});
  MemorySource body(std::as_bytes(std::span(form)));
  const std::string endpoint = choose("AWS_ENDPOINT_URL_STS", concat("https://sts.", around.region, ".amazonaws.com"));
  auto text = fetch(around,
                    {.method = "POST",
                     .url = endpoint + "/",
                     .headers = {{"Content-Type", "application/x-www-form-urlencoded"}},
                     .body = &body},
                    "web identity", within(call, kServicePatience));
  if (!text) return pass(text);
  pugi::xml_document document;
  document.load_buffer(text->data(), text->size(), pugi::parse_default, pugi::encoding_utf8);
  const pugi::xml_node keys = document.document_element().child("AssumeRoleWithWebIdentityResult").child("Credentials");
  const auto get = [&](const char* key) { return std::string(keys.child(key).text().get()); };
  auto expires = parse_rfc3339(get("Expiration"));
  if (!expires || get("SecretAccessKey").empty())
    return fail(Errc::unavailable, "web identity: the answer holds no credentials");
  return TemporaryCredentials{.keys = {.access_key_id = get("AccessKeyId"),
                                       .secret_access_key = get("SecretAccessKey"),
                                       .session_token = get("SessionToken")},
                              .expires_at = *expires};
}

Found from_container(const Surroundings& around, const Call& call) {
  std::string url = around.variable("AWS_CONTAINER_CREDENTIALS_FULL_URI");
  const std::string relative = around.variable("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI");
  if (!relative.empty()) url = "http://169.254.170.2" + relative;
  if (url.empty()) return std::nullopt;
  if (!backend::may_carry_secrets(url, {"169.254.170.2", "169.254.170.23", "[fd00:ec2::23]"}))
    return fail(Errc::invalid_argument, "AWS_CONTAINER_CREDENTIALS_FULL_URI leads to another machine without https");
  std::string token = around.variable("AWS_CONTAINER_AUTHORIZATION_TOKEN");
  if (const std::string file = around.variable("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"); !file.empty()) {
    auto text = read_small_file(file);
    if (!text) return pass(text, "container credentials");
    token = trimmed(*text);
  }
  http::Request request{.url = url, .no_proxy = true};
  if (!token.empty()) request.headers.push_back({.name = "Authorization", .value = token});
  auto text = fetch(around, std::move(request), "container credentials", within(call, kServicePatience));
  if (!text) return pass(text);
  auto found = from_json(*text);
  if (!found) return pass(found, "container credentials");
  return found;
}

Found from_instance(const Surroundings& around, const Call& call) {
  if (around.variable("AWS_EC2_METADATA_DISABLED") == "true") return std::nullopt;
  std::string base = backend::without_slashes(around.variable("AWS_EC2_METADATA_SERVICE_ENDPOINT"));
  if (base.empty()) base = "http://169.254.169.254";
  const Call brief = within(call, kInstancePatience);
  auto token = fetch(around,
                     {.method = "PUT",
                      .url = base + "/latest/api/token",
                      .headers = {{"X-aws-ec2-metadata-token-ttl-seconds", "21600"}},
                      .no_proxy = true},
                     "instance metadata", brief);
  if (auto going = call.check("instance metadata"); !going) return pass(going);
  if (!token) return std::nullopt;  // not on such an instance
  const std::string roles = base + "/latest/meta-data/iam/security-credentials/";
  const std::vector<http::Header> headers{{.name = "X-aws-ec2-metadata-token", .value = trimmed(*token)}};
  auto role = fetch(around, {.url = roles, .headers = headers, .no_proxy = true}, "instance metadata", brief);
  if (!role && role.error().code == Errc::not_found) return std::nullopt;  // it has no role
  if (!role) return pass(role);
  const std::string name = http::percent_encode(trimmed(std::string_view(*role).substr(0, role->find('\n'))));
  auto text = fetch(around, {.url = roles + name, .headers = headers, .no_proxy = true}, "instance metadata", brief);
  if (!text) return pass(text);
  auto found = from_json(*text);
  if (!found) return pass(found, "instance metadata");
  return found;
}

}  // namespace replica::s3
