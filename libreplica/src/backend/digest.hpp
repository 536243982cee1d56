// Hashes and codings of the stores' signatures, over OpenSSL.
#pragma once

#include <array>
#include <memory>
#include <string>
#include <string_view>

#include "replica/bytes.hpp"

struct evp_md_ctx_st;

namespace replica::backend {

using Sha256 = std::array<std::byte, 32>;
using Sha1 = std::array<std::byte, 20>;
using Md5 = std::array<std::byte, 16>;

inline Bytes bytes_of(std::string_view text) noexcept { return std::as_bytes(std::span(text)); }

Sha256 sha256(Bytes data);
Sha256 hmac_sha256(Bytes key, Bytes data);
Sha1 hmac_sha1(Bytes key, Bytes data);
Md5 md5(Bytes data);
std::string hex_of(Bytes data);  // lower case
std::string base64_of(Bytes data);
// nullopt-like: empty and false for what is no padded base64.
bool from_base64(std::string_view text, std::vector<std::byte>& out);

// SHA-256 and, if wanted, MD5 of a stream.
class StreamDigest {
 public:
  explicit StreamDigest(bool with_md5);
  ~StreamDigest();
  StreamDigest(const StreamDigest&) = delete;
  StreamDigest& operator=(const StreamDigest&) = delete;

  void update(Bytes data);
  // Once.
  Sha256 sha256();
  Md5 md5();

 private:
  evp_md_ctx_st* sha_;
  evp_md_ctx_st* md5_;
};

}  // namespace replica::backend
