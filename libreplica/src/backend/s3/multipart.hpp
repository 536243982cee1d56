// A large body in parts, several at once. All or nothing: what fails is aborted, and the store forgets the parts.
// Uploads that could not be aborted in time are left over, for which stores may take money.
#pragma once

#include "backend/leftovers.hpp"
#include "backend/s3/service.hpp"

namespace replica::s3 {

struct MultipartOptions {
  std::uint64_t part_size = 0;
  std::size_t concurrency = 1;
  bool content_md5 = false;
};

// What the requests of an upload carry beside what they must.
struct MultipartHeaders {
  std::vector<http::Header> begin, part, end;
};

// In 10,000 parts at most: those of a very large body are larger than asked for.
Result<void> put_in_parts(Service& bucket, const std::string& store_key, std::string_view key, Source& body,
                          const MultipartHeaders& headers, const MultipartOptions& options,
                          backend::Leftovers& leftovers, const Call& call);
// A left over one.
Result<void> abort_upload(Service& bucket, const backend::Leftovers::One& upload, const Call& call);

}  // namespace replica::s3
