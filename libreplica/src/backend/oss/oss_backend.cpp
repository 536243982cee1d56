#include "backend/oss/bucket.hpp"
#include "backend/s3/object_store.hpp"

namespace replica {

std::unique_ptr<Backend> make_oss_backend(const OssOptions& options) {
  s3::ObjectHeaders headers{.standing = {{.name = "Content-Type", .value = "application/octet-stream"}},
                            .of_bytes = {},
                            .timestamp = "x-oss-meta-litestream-timestamp"};
  s3::Dialect dialect{.type = "oss",
                      .if_absent = {.name = "x-oss-forbid-overwrite", .value = "true"},
                      .doubtful_condition = false,
                      .listing = {{"max-keys", "1000"}},  // 100 is the default
                      // Else a range beyond the end is answered with the whole object.
                      .reading = {{.name = "x-oss-range-behavior", .value = "standard"}},
                      .encoded_token = true,
                      .least_part = std::uint64_t{100} << 10U};
  return s3::make_object_store(std::make_unique<oss::Bucket>(options), std::move(headers), std::move(dialect),
                               {.prefix = options.prefix,
                                .part_size = options.part_size,
                                .concurrency = options.concurrency,
                                .content_md5 = true,
                                .clock = options.clock});
}

}  // namespace replica
