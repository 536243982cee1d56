// The headers that objects are written and read with.
#pragma once

#include "http/message.hpp"
#include "replica/backends/s3.hpp"

namespace replica::s3 {

struct ObjectHeaders {
  std::vector<http::Header> standing;  // of every new object: type, storage class, encryption
  std::vector<http::Header> of_bytes;  // of every request about the bytes of an object: the customer's key
  std::string timestamp;               // name of the one with the time of the data, in lower case

  std::vector<http::Header> of_new(const PutOptions& options) const;
  // "2026-11-23T14:14:23.123456789Z" in the metadata, else Last-Modified, else nothing.
  std::optional<Timestamp> time_of(const http::Response& response) const;
};

ObjectHeaders headers_for(const S3Options& options);

}  // namespace replica::s3
