#include "backend/oss/bucket.hpp"

#include "backend/oss/errors.hpp"
#include "backend/web_client.hpp"
#include "base/text.hpp"

namespace replica::oss {

using base::concat;

namespace {

constexpr std::string_view kDefaultRegion = "cn-hangzhou";

// Of "oss-REGION[-internal].aliyuncs.com"; empty for other hosts.
std::string region_in(std::string_view host) {
  constexpr std::string_view kBegin = "oss-", kEnd = ".aliyuncs.com", kInternal = "-internal";
  if (!host.starts_with(kBegin) || !host.ends_with(kEnd)) return {};
  host.remove_prefix(kBegin.size());
  host.remove_suffix(kEnd.size());
  if (host.ends_with(kInternal)) host.remove_suffix(kInternal.size());
  return std::string(host);
}

bool is_address(std::string_view host) {
  if (host.starts_with('[')) return true;
  host = host.substr(0, host.find(':'));
  return host == "localhost" || host.find_first_not_of("0123456789.") == std::string_view::npos;
}

OssOptions completed(OssOptions options) {
  if (!options.environment) options.environment = backend::process_environment;
  return options;
}

std::optional<Credentials> given_credentials(const OssOptions& options) {
  if (options.access_key_id.empty() || options.secret_access_key.empty()) return std::nullopt;
  return Credentials{.access_key_id = options.access_key_id,
                     .secret_access_key = options.secret_access_key,
                     .session_token = options.session_token};
}

bool same(const Credentials& a, const Credentials& b) {
  return a.access_key_id == b.access_key_id && a.secret_access_key == b.secret_access_key &&
         a.session_token == b.session_token;
}

}  // namespace

Result<Place> place_of(const OssOptions& options) {
  Place out{.endpoint = {}, .region = options.region};
  if (!options.endpoint.empty()) {
    auto parsed = backend::parse_endpoint(options.endpoint);
    if (!parsed) return pass(parsed);
    out.endpoint = std::move(*parsed);
    if (out.region.empty()) out.region = region_in(out.endpoint.host);
  }
  if (out.region.empty()) out.region = kDefaultRegion;
  if (out.endpoint.host.empty()) out.endpoint.host = concat("oss-", out.region, ".aliyuncs.com");
  if (is_address(out.endpoint.host)) {
    out.endpoint.path += "/" + http::percent_encode(options.bucket);
  } else {
    out.endpoint.host = concat(options.bucket, ".", out.endpoint.host);
  }
  return out;
}

Bucket::Bucket(const OssOptions& options)
    : options_(completed(options)),
      clock_(options.clock == nullptr ? backend::system_clock() : *options.clock),
      place_(place_of(options)),
      http_(backend::client_for(options)),
      credentials_(credential_cache(
          given_credentials(options_),
          {.environment = options_.environment, .http = http_, .clock = clock_, .region = options_.region})) {}

Result<http::Request> Bucket::prepare(const s3::Operation& operation, const Call& call) {
  if (!place_) return Failure(place_.error());
  auto credentials = credentials_.get(call);
  if (!credentials) return pass(credentials);
  return sign(operation, *credentials);
}

Result<http::Request> Bucket::sign(const s3::Operation& operation, const Credentials& credentials) const {
  http::Request out{.method = operation.method, .headers = operation.headers, .kind = s3::class_of(operation)};
  const SigningRequest request{.method = operation.method,
                               .bucket = options_.bucket,
                               .key = operation.key,
                               .query = operation.query,
                               .headers = out.headers};
  if (options_.signature == OssSignature::v4) {
    sign_v4(request, credentials, place_->region, clock_.now());
  } else {
    sign_v1(request, credentials, clock_.now());
  }
  const std::string query = encode_query(operation.query);
  out.url = concat(place_->endpoint.scheme, "://", place_->endpoint.host, place_->endpoint.path, "/",
                   http::percent_encode(operation.key, true), query.empty() ? "" : "?", query);
  out.body = operation.body;
  out.out = operation.out;
  out.on_head = operation.on_head;
  out.body_limit = operation.body_limit;
  return out;
}

Result<http::Response> Bucket::send(const s3::Operation& operation, std::string_view what, const Call& call) {
  if (!place_) return Failure(place_.error());
  for (bool again = false;; again = true) {
    auto credentials = credentials_.get(call);
    if (!credentials) return pass(credentials, what);
    auto request = sign(operation, *credentials);
    if (!request) return pass(request, what);
    request->repeats = again;
    auto answer = http_->send(*request, call);
    if (!answer) return pass(answer, what);
    if (answer->ok()) return answer;
    Error error = error_of(*answer, what);
    if (again || error.code != Errc::permission_denied || !credentials_.can_change()) return Failure(std::move(error));
    credentials_.forget(*credentials);
    const auto others = credentials_.get(call);
    if (!others || same(*others, *credentials)) return Failure(std::move(error));
    if (operation.body == nullptr) continue;
    if (auto rewound = operation.body->rewind(); !rewound) return pass(rewound, "rewind body");
  }
}

Error Bucket::error_of(const http::Response& answer, std::string_view what) const { return store_error(answer, what); }

}  // namespace replica::oss
