#include "backend/s3/bucket.hpp"
#include "backend/s3/object_store.hpp"

namespace replica {

std::unique_ptr<Backend> make_s3_backend(const S3Options& options) {
  return s3::make_object_store(std::make_unique<s3::Bucket>(options), s3::headers_for(options), {},
                               {.prefix = options.prefix,
                                .part_size = options.part_size,
                                .concurrency = options.concurrency,
                                .content_md5 = options.content_md5,
                                .clock = options.clock});
}

}  // namespace replica
