#include "backend/azure/container.hpp"

#include "backend/azure/errors.hpp"
#include "backend/clock_check.hpp"
#include "backend/credential_service.hpp"
#include "backend/digest.hpp"
#include "backend/web_client.hpp"
#include "base/text.hpp"
#include "http/status.hpp"

namespace replica::azure {

using base::concat;

namespace {

AzureOptions completed(AzureOptions options) {
  if (!options.environment) options.environment = backend::process_environment;
  if (options.sas_token.empty() && options.account_key.empty()) {
    options.sas_token = options.environment("LITESTREAM_AZURE_SAS_TOKEN").value_or("");
    options.account_key = options.environment("LITESTREAM_AZURE_ACCOUNT_KEY").value_or("");
  }
  if (options.sas_token.starts_with('?')) options.sas_token.erase(0, 1);
  return options;
}

std::string joined(const std::string& query, const std::string& more) {
  return query.empty() || more.empty() ? query + more : concat(query, "&", more);
}

}  // namespace

Container::Container(const AzureOptions& options)
    : options_(completed(options)),
      clock_(options.clock == nullptr ? backend::system_clock() : *options.clock),
      endpoint_(endpoint_of(options_)),
      http_(backend::client_for(options_)),
      tokens_({.environment = options_.environment, .http = http_, .clock = clock_}) {
  static_cast<void>(backend::from_base64(options_.account_key, key_));
}

Result<Container::Ready> Container::authorise(const Operation& operation, const Call& call) {
  if (!endpoint_) return Failure(endpoint_.error());
  std::string path = endpoint_->path;
  if (!operation.key.empty()) path += "/" + http::percent_encode(operation.key, true);
  Ready out;
  http::Request& request = out.request;
  request.method = operation.method;
  request.kind = operation.kind;
  request.headers = operation.headers;
  request.headers.push_back({.name = "x-ms-date", .value = http::http_date(clock_.now())});
  request.headers.push_back({.name = "x-ms-version", .value = std::string(operation.version)});
  request.body = operation.body;
  request.out = operation.out;
  request.on_head = operation.on_head;
  request.body_limit = operation.body_limit;
  std::string query = encode_query(operation.query);
  if (!options_.sas_token.empty()) {
    query = joined(query, options_.sas_token);
  } else if (!options_.account_key.empty()) {
    auto signature = signed_by_key(operation, path, request.headers);
    if (!signature) return pass(signature);
    request.headers.push_back({.name = "Authorization", .value = std::move(*signature)});
  } else {
    auto token = token_for(call);
    if (!token) return pass(token);
    out.token = std::move(*token);
    request.headers.push_back({.name = "Authorization", .value = "Bearer " + out.token});
  }
  request.url = concat(endpoint_->scheme, "://", endpoint_->host, path, query.empty() ? "" : "?", query);
  return out;
}

Result<std::string> Container::signed_by_key(const Operation& operation, const std::string& path,
                                             const std::vector<http::Header>& headers) const {
  if (options_.account.empty()) return fail(Errc::invalid_argument, "account name required with an account key");
  if (key_.empty()) return fail(Errc::invalid_argument, "the account key is not in base64");
  return authorization({.method = operation.method,
                        .path = path,
                        .query = operation.query,
                        .headers = headers,
                        .content_length = operation.body == nullptr ? 0 : operation.body->size()},
                       options_.account, key_);
}

Result<std::string> Container::token_for(const Call& call) {
  if (!backend::may_carry_secrets(concat(endpoint_->scheme, "://", endpoint_->host)))
    return fail(Errc::invalid_argument, "a token is sent over https only", "use an endpoint with https");
  return tokens_.get(call);
}

Result<http::Request> Container::prepare(const Operation& operation, const Call& call) {
  auto ready = authorise(operation, call);
  if (!ready) return pass(ready);
  return std::move(ready->request);
}

Error Container::error_of(const http::Response& answer, std::string_view what) const {
  Error error = store_error(answer, what);
  // The service says the same of a wrong key and of a wrong clock.
  if (error.code == Errc::permission_denied && error_code_of(answer) == "AuthenticationFailed") {
    if (std::string hint = backend::clock_hint(answer, clock_.now()); !hint.empty()) error.hint = std::move(hint);
  }
  return error;
}

Result<http::Response> Container::send(const Operation& operation, std::string_view what, const Call& call) {
  for (bool again = false;; again = true) {
    auto ready = authorise(operation, call);
    if (!ready) return pass(ready, what);
    ready->request.repeats = again;
    auto answer = http_->send(ready->request, call);
    if (!answer) return pass(answer, what);
    if (answer->ok()) return answer;
    if (again || ready->token.empty() || answer->status != 401) return Failure(error_of(*answer, what));
    tokens_.forget(ready->token);
    if (auto other = tokens_.get(call); !other || *other == ready->token) return Failure(error_of(*answer, what));
    if (operation.body == nullptr) continue;
    if (auto rewound = operation.body->rewind(); !rewound) return pass(rewound, "rewind body");
  }
}

}  // namespace replica::azure
