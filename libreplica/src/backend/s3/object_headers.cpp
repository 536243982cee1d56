#include "backend/s3/object_headers.hpp"

#include "backend/digest.hpp"
#include "http/status.hpp"

namespace replica::s3 {
namespace {

std::vector<http::Header> customer_key_headers(const std::string& key) {
  std::vector<std::byte> bytes;
  if (key.empty() || !backend::from_base64(key, bytes)) return {};
  return {{.name = "x-amz-server-side-encryption-customer-algorithm", .value = "AES256"},
          {.name = "x-amz-server-side-encryption-customer-key", .value = key},
          {.name = "x-amz-server-side-encryption-customer-key-md5", .value = backend::base64_of(backend::md5(bytes))}};
}

}  // namespace

ObjectHeaders headers_for(const S3Options& options) {
  ObjectHeaders out{.standing = {{.name = "Content-Type", .value = "application/octet-stream"}},
                    .of_bytes = customer_key_headers(options.sse_customer_key),
                    .timestamp = "x-amz-meta-litestream-timestamp"};
  if (!options.storage_class.empty())
    out.standing.push_back({.name = "x-amz-storage-class", .value = options.storage_class});
  if (options.sse_kms_key_id.empty()) return out;
  out.standing.push_back({.name = "x-amz-server-side-encryption", .value = "aws:kms"});
  out.standing.push_back({.name = "x-amz-server-side-encryption-aws-kms-key-id", .value = options.sse_kms_key_id});
  return out;
}

std::vector<http::Header> ObjectHeaders::of_new(const PutOptions& options) const {
  std::vector<http::Header> out = standing;
  out.insert(out.end(), of_bytes.begin(), of_bytes.end());
  if (options.modified_at) out.push_back({.name = timestamp, .value = to_rfc3339(*options.modified_at)});
  return out;
}

std::optional<Timestamp> ObjectHeaders::time_of(const http::Response& response) const {
  if (const std::string_view kept = response.header(timestamp); !kept.empty())
    if (auto time = parse_rfc3339(kept)) return *time;
  return http::parse_http_date(response.header("last-modified"));
}

}  // namespace replica::s3
