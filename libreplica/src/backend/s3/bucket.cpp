#include "backend/s3/bucket.hpp"

#include "backend/s3/errors.hpp"
#include "backend/s3/profile.hpp"
#include "backend/web_client.hpp"
#include "http/status.hpp"

namespace replica::s3 {
namespace {

constexpr const char* kDefaultRegion = "us-east-1";
constexpr int kMostSends = 3;  // the first, one to another region, one with other credentials

S3Options completed(S3Options options) {
  if (!options.environment) options.environment = backend::process_environment;
  if (!options.region.empty()) return options;
  if (is_arn(options.bucket)) {
    if (auto point = parse_access_point(options.bucket)) options.region = point->region;
    return options;
  }
  if (!options.endpoint.empty()) return options;
  for (const char* name : {"AWS_REGION", "AWS_DEFAULT_REGION"}) {
    if (options.region.empty()) options.region = options.environment(name).value_or("");
  }
  if (!options.region.empty()) return options;
  if (auto profile = load_profile(options.environment)) options.region = profile->region;
  return options;
}

std::optional<Credentials> given_credentials(const S3Options& options) {
  if (options.access_key_id.empty() || options.secret_access_key.empty()) return std::nullopt;
  return Credentials{.access_key_id = options.access_key_id,
                     .secret_access_key = options.secret_access_key,
                     .session_token = options.session_token};
}

}  // namespace

Bucket::Bucket(const S3Options& options)
    : options_(completed(options)),
      clock_(options.clock == nullptr ? backend::system_clock() : *options.clock),
      http_(backend::client_for(options_)),
      region_(options_.region.empty() ? kDefaultRegion : options_.region),
      region_is_given_(!options.region.empty() || is_arn(options.bucket)),
      unsigned_payload_(!options_.sign_payload && !options_.endpoint.starts_with("http:")),
      credentials_(given_credentials(options_),
                   {.environment = options_.environment, .http = http_, .clock = clock_, .region = region_}) {}

std::string Bucket::region() {
  const std::scoped_lock lock(mutex_);
  return region_;
}

Result<Bucket::Signed> Bucket::sign_request(const Operation& operation, const Call& call) {
  Signed out;
  out.region = region();
  auto address = address_of(options_, out.region);
  if (!address) return pass(address);
  auto credentials = credentials_.get(call);
  if (!credentials) return pass(credentials);
  out.credentials = std::move(*credentials);
  std::string path = address->path;
  if (!operation.key.empty() || path.empty()) path += "/" + http::percent_encode(operation.key, true);
  http::Request& request = out.request;
  request.method = operation.method;
  request.kind = class_of(operation);
  request.headers = operation.headers;
  request.headers.push_back({.name = "Host", .value = address->host});
  for (const auto& [name, value] : options_.headers) request.headers.push_back({.name = name, .value = value});
  sign({.method = operation.method,
        .path = path,
        .query = operation.query,
        .headers = request.headers,
        .payload_hash = operation.payload_hash},
       out.credentials, {.region = out.region, .time = clock_.now()});
  request.url = address->url_of(path, encode_query(operation.query));
  request.body = operation.body;
  request.out = operation.out;
  request.on_head = operation.on_head;
  request.body_limit = operation.body_limit;
  return out;
}

Result<http::Request> Bucket::prepare(const Operation& operation, const Call& call) {
  auto ready = sign_request(operation, call);
  if (!ready) return pass(ready);
  return std::move(ready->request);
}

bool Bucket::may_send_again(const Signed& sent, const http::Response& answer, const Call& call) {
  const std::string named = region_in(answer);
  if (!region_is_given_ && !named.empty() && named != sent.region) {
    const std::scoped_lock lock(mutex_);
    region_ = named;
    return true;
  }
  if (!is_about_credentials(answer) || !credentials_.can_change()) return false;
  credentials_.forget(sent.credentials);
  const auto others = credentials_.get(call);
  return others && others->secret_access_key != sent.credentials.secret_access_key;
}

Error Bucket::error_of(const http::Response& answer, std::string_view what) const { return store_error(answer, what); }

Result<http::Response> Bucket::send(const Operation& operation, std::string_view what, const Call& call) {
  for (int sends = 1;; ++sends) {
    auto ready = sign_request(operation, call);
    if (!ready) return pass(ready, what);
    ready->request.repeats = sends > 1;
    auto answer = http_->send(ready->request, call);
    if (!answer) return pass(answer, what);
    if (answer->ok()) return answer;
    if (sends == kMostSends || !may_send_again(*ready, *answer, call)) return Failure(store_error(*answer, what));
    if (operation.body == nullptr) continue;
    if (auto rewound = operation.body->rewind(); !rewound) return pass(rewound, "rewind body");
  }
}

}  // namespace replica::s3
