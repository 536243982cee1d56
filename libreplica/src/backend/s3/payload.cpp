#include "backend/s3/payload.hpp"

#include "backend/digest.hpp"
#include "backend/transfer.hpp"

namespace replica::s3 {
namespace {

class HashingWriter final : public Writer {
 public:
  explicit HashingWriter(bool with_md5) : digest_(with_md5) {}
  Result<void> write(Bytes data) override {
    digest_.update(data);
    return {};
  }
  backend::StreamDigest& digest() noexcept { return digest_; }

 private:
  backend::StreamDigest digest_;
};

}  // namespace

Result<PayloadHash> hash_body(Source& body, std::string_view key, bool unsigned_payload, bool with_md5,
                              const Call& call) {
  if (unsigned_payload && !with_md5) return PayloadHash{.sha256 = std::string(kUnsignedPayload), .md5 = {}};
  HashingWriter writer(with_md5);
  if (auto read = backend::copy_body(body, writer, key, call); !read) return pass(read);
  if (auto rewound = body.rewind(); !rewound) return pass(rewound, "rewind body");
  PayloadHash out{.sha256 = backend::hex_of(writer.digest().sha256()), .md5 = {}};
  if (unsigned_payload) out.sha256 = kUnsignedPayload;
  if (with_md5) out.md5 = backend::base64_of(writer.digest().md5());
  return out;
}

PayloadHash hash_bytes(Bytes data, bool unsigned_payload, bool with_md5) {
  return {.sha256 = unsigned_payload ? std::string(kUnsignedPayload) : backend::hex_of(backend::sha256(data)),
          .md5 = with_md5 ? backend::base64_of(backend::md5(data)) : std::string()};
}

}  // namespace replica::s3
