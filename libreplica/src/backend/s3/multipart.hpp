// A large body in parts, several at once. All or nothing: what fails is aborted, and the store forgets the parts.
#pragma once

#include "backend/s3/bucket.hpp"
#include "backend/s3/object_headers.hpp"

namespace replica::s3 {

struct MultipartOptions {
  std::uint64_t part_size = 0;
  std::size_t concurrency = 1;
  bool content_md5 = false;
};

// The size of each part but the last: at least `wanted`, and no more than 10,000 of them.
std::uint64_t part_size_for(std::uint64_t body, std::uint64_t wanted) noexcept;

// Holds `concurrency` parts in memory. A part whose transfer fails in a way that may pass is sent again at once, twice
// at most, since beginning anew is dear; everything else is the caller's to try again.
Result<void> put_in_parts(Bucket& bucket, const std::string& store_key, std::string_view key, Source& body,
                          const PutOptions& put, const ObjectHeaders& headers, const MultipartOptions& options,
                          const Call& call);

}  // namespace replica::s3
