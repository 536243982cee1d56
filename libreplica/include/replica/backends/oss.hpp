// Aliyun OSS (Object Storage Service).
#pragma once

#include <functional>

#include "replica/backend.hpp"

namespace replica {

enum class OssSignature { v4, v1 };

struct OssOptions {
  std::string bucket;
  std::string prefix{};    // in front of every key, as it is; not part of the keys that callers see
  std::string region{};    // "cn-hangzhou"; empty: what the endpoint names, else that
  std::string endpoint{};  // "https://host[:port]"; empty = oss-REGION.aliyuncs.com
  // Both or none. None: OSS_ACCESS_KEY_ID, OSS_ACCESS_KEY_SECRET and OSS_SESSION_TOKEN in the environment, or what
  // ALIBABA_CLOUD_… there say; else the RAM role of this instance.
  std::string access_key_id{}, secret_access_key{};
  std::string session_token{};                        // of STS
  OssSignature signature = OssSignature::v4;          // v1 for services of one's own that know no other
  bool skip_verify = false;                           // takes any server certificate
  std::string ca_bundle{};                            // empty: AWS_CA_BUNDLE and others, else the system's
  std::uint64_t part_size = std::uint64_t{5} << 20U;  // larger bodies go up in parts of at least this; ≥ 100 KiB
  int concurrency = 5;                                // parts of one body at once, each held in memory

  std::chrono::milliseconds connect_timeout{10'000}, progress_timeout{30'000};
  std::function<std::optional<std::string>(std::string_view)> environment{};  // empty = the process's
  const Clock* clock = nullptr;                                               // nullptr = the system's
};

// Objects are put with their time as x-oss-meta-litestream-timestamp, which stat returns and a listing does not. Bodies
// beyond part_size are multipart uploads; what fails is aborted.
std::unique_ptr<Backend> make_oss_backend(const OssOptions& options);

}  // namespace replica
