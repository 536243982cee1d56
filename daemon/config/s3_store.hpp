// Replicas of type s3: what may be written, what it means.
#pragma once

#include <memory>

#include "config/config.hpp"
#include "replica/backend.hpp"
#include "replica/backends/s3.hpp"

namespace config {

replica::Result<void> settle_s3(ReplicaSettings& replica, const StoreSettings& defaults);
std::unique_ptr<replica::Backend> make_s3(const ReplicaSettings& replica, const std::string& database);
replica::S3Options s3_options(const ReplicaSettings& replica);

// What an address s3://BUCKET/PATH?… says, in the forms of the peer (bucket.s3.REGION.amazonaws.com and other hosts
// that name a provider, bucket.HOST:PORT, ARNs of access points).
struct S3Place {
  StoreSettings store;
  std::string path;  // "." for an address without any, as the peer has it
};
replica::Result<S3Place> parse_s3_url(const std::string& url);

// localhost, private networks, *.local and *.localhost: reached without TLS unless said otherwise.
bool is_local_host(std::string_view host) noexcept;

}  // namespace config
