// The headers that objects are written and read with.
#pragma once

#include "http/message.hpp"
#include "replica/backends/s3.hpp"

namespace replica::s3 {

inline constexpr const char* kTimestampHeader = "x-amz-meta-litestream-timestamp";

class ObjectHeaders {
 public:
  explicit ObjectHeaders(const S3Options& options);

  // Of a new object: type, time, storage class, encryption.
  std::vector<http::Header> of_new(const PutOptions& options) const;
  // Of every request about the bytes of an object: the customer's key.
  const std::vector<http::Header>& of_bytes() const noexcept { return customer_key_; }

 private:
  std::vector<http::Header> standing_, customer_key_;
};

// "2026-11-23T14:14:23.123456789Z" in the metadata, else Last-Modified, else nothing.
std::optional<Timestamp> time_of(const http::Response& response);

}  // namespace replica::s3
