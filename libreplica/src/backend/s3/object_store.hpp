// Objects in a bucket of S3's shape.
#pragma once

#include "backend/s3/object_headers.hpp"
#include "backend/s3/service.hpp"

namespace replica::s3 {

// In what stores of that shape differ.
struct Dialect {
  std::string_view type = "s3";
  http::Header if_absent{.name = "If-None-Match", .value = "*"};
  bool doubtful_condition = true;       // of many makers: whether the condition is kept must be found out
  Query listing{};                      // what every listing asks besides
  std::vector<http::Header> reading{};  // what every GET and HEAD of an object says besides
  bool encoded_token = false;           // a listing's continuation token is encoded as its keys are
  std::uint64_t least_part = std::uint64_t{5} << 20U;  // of a multipart upload, but the last
};

struct StoreOptions {
  std::string prefix{};
  std::uint64_t part_size = 0;
  int concurrency = 1;
  bool content_md5 = false;
  const Clock* clock = nullptr;  // nullptr = the system's
};

std::unique_ptr<Backend> make_object_store(std::unique_ptr<Service> bucket, ObjectHeaders headers, Dialect dialect,
                                           const StoreOptions& options);

}  // namespace replica::s3
