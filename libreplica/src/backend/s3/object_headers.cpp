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

ObjectHeaders::ObjectHeaders(const S3Options& options) : customer_key_(customer_key_headers(options.sse_customer_key)) {
  standing_.push_back({.name = "Content-Type", .value = "application/octet-stream"});
  if (!options.storage_class.empty())
    standing_.push_back({.name = "x-amz-storage-class", .value = options.storage_class});
  if (options.sse_kms_key_id.empty()) return;
  standing_.push_back({.name = "x-amz-server-side-encryption", .value = "aws:kms"});
  standing_.push_back({.name = "x-amz-server-side-encryption-aws-kms-key-id", .value = options.sse_kms_key_id});
}

std::vector<http::Header> ObjectHeaders::of_new(const PutOptions& options) const {
  std::vector<http::Header> out = standing_;
  out.insert(out.end(), customer_key_.begin(), customer_key_.end());
  if (options.modified_at) out.push_back({.name = kTimestampHeader, .value = to_rfc3339(*options.modified_at)});
  return out;
}

std::optional<Timestamp> time_of(const http::Response& response) {
  if (const std::string_view kept = response.header(kTimestampHeader); !kept.empty())
    if (auto time = parse_rfc3339(kept)) return *time;
  return http::parse_http_date(response.header("last-modified"));
}

}  // namespace replica::s3
