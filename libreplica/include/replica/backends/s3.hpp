// Amazon S3 and stores that speak its protocol.
#pragma once

#include <functional>

#include "replica/backend.hpp"

namespace replica {

struct S3Options {
  std::string bucket;    // or the ARN of an access point
  std::string prefix{};  // in front of every key, as it is; not part of the keys that callers see
  std::string region{};  // empty: AWS_REGION, AWS_DEFAULT_REGION, the profile's; then us-east-1, corrected by the store
  std::string endpoint{};  // "https://host[:port]"; empty = Amazon
  // Both or none. None: the environment, shared profile files, web identity, container, instance, in this order.
  std::string access_key_id{}, secret_access_key{}, session_token{};
  bool path_style = false;   // https://endpoint/bucket/key instead of https://bucket.endpoint/key
  bool sign_payload = true;  // false: over https the body is not hashed
  bool content_md5 = false;  // send Content-MD5 with bodies; buckets with object lock want it
  bool skip_verify = false;  // takes any server certificate
  std::string ca_bundle{};   // empty: AWS_CA_BUNDLE and others, else the system's
  std::uint64_t part_size = std::uint64_t{5} << 20U;  // larger bodies go up in parts of at least this; ≥ 5 MiB
  int concurrency = 5;                                // parts of one body at once, each held in memory
  std::string storage_class{};
  std::string sse_customer_key{};  // SSE-C: the 32 bytes of an AES-256 key in base64
  std::string sse_kms_key_id{};
  std::vector<std::pair<std::string, std::string>> headers{};  // of every request, for stores that want some

  std::chrono::milliseconds connect_timeout{10'000}, progress_timeout{30'000};
  std::function<std::optional<std::string>(std::string_view)> environment{};  // empty = the process's
  const Clock* clock = nullptr;                                               // nullptr = the system's
};

// Objects are put with their time as x-amz-meta-litestream-timestamp, which stat returns and a listing does not. Bodies
// beyond part_size are multipart uploads; what fails is aborted. Whether the store knows If-None-Match is found out,
// with objects KEY.probe-… of an empty body, before the first if_absent is believed.
std::unique_ptr<Backend> make_s3_backend(const S3Options& options);

}  // namespace replica
