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

Credentials credentials_of(const OssOptions& options) {
  if (!options.access_key_id.empty())
    return {.access_key_id = options.access_key_id,
            .secret_access_key = options.secret_access_key,
            .session_token = options.session_token};
  const auto variable = [&](std::string_view name) {
    const auto value = options.environment ? options.environment(name) : backend::process_environment(name);
    return value.value_or(std::string());
  };
  return {.access_key_id = variable("OSS_ACCESS_KEY_ID"),
          .secret_access_key = variable("OSS_ACCESS_KEY_SECRET"),
          .session_token = variable("OSS_SESSION_TOKEN")};
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
    : options_(options),
      clock_(options.clock == nullptr ? backend::system_clock() : *options.clock),
      place_(place_of(options)),
      credentials_(credentials_of(options)),
      http_(backend::client_for(options)) {}

Result<http::Request> Bucket::prepare(const s3::Operation& operation, const Call&) {
  if (!place_) return Failure(place_.error());
  if (credentials_.access_key_id.empty() || credentials_.secret_access_key.empty())
    return fail(Errc::permission_denied, "no credentials for the OSS store found",
                "set access-key-id and secret-access-key, or OSS_ACCESS_KEY_ID and OSS_ACCESS_KEY_SECRET");
  http::Request out{.method = operation.method, .headers = operation.headers, .kind = s3::class_of(operation)};
  const SigningRequest request{.method = operation.method,
                               .bucket = options_.bucket,
                               .key = operation.key,
                               .query = operation.query,
                               .headers = out.headers};
  if (options_.signature == OssSignature::v4) {
    sign_v4(request, credentials_, place_->region, clock_.now());
  } else {
    sign_v1(request, credentials_, clock_.now());
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
  auto request = prepare(operation, call);
  if (!request) return pass(request, what);
  auto answer = http_->send(*request, call);
  if (!answer) return pass(answer, what);
  if (!answer->ok()) return Failure(error_of(*answer, what));
  return answer;
}

Error Bucket::error_of(const http::Response& answer, std::string_view what) const { return store_error(answer, what); }

}  // namespace replica::oss
