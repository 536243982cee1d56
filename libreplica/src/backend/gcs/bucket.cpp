#include "backend/gcs/bucket.hpp"

#include "backend/credential_service.hpp"
#include "backend/gcs/answers.hpp"
#include "backend/web_client.hpp"
#include "base/text.hpp"

namespace replica::gcs {

using base::concat;

namespace {

constexpr const char* kGoogle = "https://storage.googleapis.com";

GcsOptions completed(GcsOptions options) {
  if (!options.environment) options.environment = backend::process_environment;
  if (options.endpoint.empty()) {
    options.endpoint = options.environment("STORAGE_EMULATOR_HOST").value_or("");
    if (!options.endpoint.empty()) {
      options.anonymous = true;
      if (options.endpoint.find("://") == std::string::npos) options.endpoint.insert(0, "http://");
    }
  }
  if (options.endpoint.empty()) options.endpoint = kGoogle;
  while (options.endpoint.ends_with('/')) options.endpoint.pop_back();
  return options;
}

// scheme://host:port
std::string_view origin_of(std::string_view url) { return url.substr(0, url.find('/', url.find("://") + 3)); }

}  // namespace

Bucket::Bucket(const GcsOptions& options)
    : options_(completed(options)),
      name_(http::percent_encode(options.bucket)),
      http_(backend::client_for(options_)),
      tokens_(options_.credentials_path,
              {.environment = options_.environment,
               .http = http_,
               .clock = options_.clock == nullptr ? backend::system_clock() : *options_.clock}) {}

std::string Bucket::object_url(std::string_view key, std::string_view query) const {
  return concat(options_.endpoint, "/storage/v1/b/", name_, "/o/", http::percent_encode(key), query);
}

std::string Bucket::objects_url(std::string_view query) const {
  return concat(options_.endpoint, "/storage/v1/b/", name_, "/o", query);
}

std::string Bucket::upload_url(std::string_view query) const {
  return concat(options_.endpoint, "/upload/storage/v1/b/", name_, "/o", query);
}

Result<http::Response> Bucket::send_once(const Operation& operation, const std::string& token, const Call& call) {
  http::Request request{.method = operation.method,
                        .url = operation.url,
                        .headers = operation.headers,
                        .body = operation.body,
                        .out = operation.out,
                        .on_head = operation.on_head,
                        .body_limit = operation.body_limit,
                        .kind = operation.kind,
                        .repeats = operation.repeats};
  if (!token.empty()) request.headers.push_back({.name = "Authorization", .value = "Bearer " + token});
  return http_->send(request, call);
}

Result<http::Response> Bucket::send(const Operation& operation, std::string_view what, const Call& call) {
  // The address of an upload comes from the store; its token goes nowhere else.
  const bool signs = !options_.anonymous && origin_of(operation.url) == origin_of(options_.endpoint);
  if (signs && !backend::may_carry_secrets(options_.endpoint))
    return fail(Errc::invalid_argument, concat(what, ": credentials are not sent without TLS"),
                "use an endpoint with https, or anonymous: true for an emulator");
  for (bool again = true;; again = false) {
    std::string token;
    if (signs) {
      auto got = tokens_.get(call);
      if (!got) return pass(got, what);
      token = std::move(*got);
    }
    auto answer = send_once(operation, token, call);
    if (!answer) return pass(answer, what);
    if (answer->ok() || (answer->status == 308 && operation.may_be_unfinished)) return answer;
    const bool refused = answer->status == 401 || answer->status == 403;
    if (!again || !signs || !refused || !tokens_.forget(token, answer->status == 403))
      return Failure(store_error(*answer, what));
    if (operation.body == nullptr) continue;
    if (auto rewound = operation.body->rewind(); !rewound) return pass(rewound, "rewind body");
  }
}

Error Bucket::no_bucket(Error error) {
  if (error.code != Errc::not_found) return error;
  error.code = Errc::invalid_argument;
  error.hint = "create the bucket, or correct its name";
  return error;
}

Error Bucket::missing(std::string_view key, std::string_view what, const Call& call) {
  auto listed = send({.url = objects_url("?maxResults=1&fields=kind"), .kind = RequestClass::list}, what, call);
  if (!listed) return no_bucket(std::move(listed.error()));
  if (auto page = parse_listing(listed->body); !page) return std::move(page.error()).within(what);
  return {.code = Errc::not_found, .message = concat("object ", key, " does not exist")};
}

}  // namespace replica::gcs
