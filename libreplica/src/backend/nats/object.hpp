// Objects of a NATS object store as other clients write them (ADR-20): what describes one, and names of subjects.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "replica/types.hpp"

namespace replica::backend::nats {

std::string encode_base64(Bytes data, bool for_urls);             // with padding
std::optional<std::string> decode_base64(std::string_view text);  // either alphabet

// Subjects and stream of a bucket.
struct Names {
  explicit Names(const std::string& bucket);
  std::string meta(std::string_view key) const;   // where an object is described
  std::string chunks(std::string_view id) const;  // where its bytes are
  // The key behind a meta subject. Not the name in the description, which cannot hold every key.
  std::optional<std::string> key_of(std::string_view subject) const;

  std::string bucket, stream, all_meta, all_chunks;
};

struct Object {
  std::string id;  // of its chunks; new with every put
  std::uint64_t size = 0, chunks = 0;
  std::string digest;  // "SHA-256=…"; may be empty
  bool deleted = false;
  bool is_link = false;                    // to another object: never ours
  std::optional<Timestamp> modified_at{};  // from our header

  std::string to_json(std::string_view key, std::string_view bucket, std::size_t chunk_size) const;
  static std::optional<Object> parse(std::string_view json);
};

std::string new_id();

// SHA-256 of what is added, as descriptions have it.
class Digest {
 public:
  Digest();
  ~Digest();
  Digest(const Digest&) = delete;
  Digest& operator=(const Digest&) = delete;
  void add(Bytes data);
  std::string text();

 private:
  void* context_;  // EVP_MD_CTX
};

}  // namespace replica::backend::nats
