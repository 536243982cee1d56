#include "backend/digest.hpp"

#include <openssl/evp.h>
#include <openssl/hmac.h>

namespace replica::backend {
namespace {

unsigned char* raw(std::byte* data) { return reinterpret_cast<unsigned char*>(data); }
const unsigned char* raw(const std::byte* data) { return reinterpret_cast<const unsigned char*>(data); }

// Fetched once: OpenSSL 3 looks an algorithm up for every use otherwise.
const EVP_MD* sha256_algorithm() {
  static const EVP_MD* const kAlgorithm = EVP_MD_fetch(nullptr, "SHA256", nullptr);
  return kAlgorithm;
}

const EVP_MD* md5_algorithm() {
  static const EVP_MD* const kAlgorithm = EVP_MD_fetch(nullptr, "MD5", nullptr);
  return kAlgorithm;
}

template <class Digest>
Digest digest(Bytes data, const EVP_MD* algorithm) {
  Digest out{};
  EVP_Digest(data.data(), data.size(), raw(out.data()), nullptr, algorithm, nullptr);
  return out;
}

}  // namespace

Sha256 sha256(Bytes data) { return digest<Sha256>(data, sha256_algorithm()); }
Md5 md5(Bytes data) { return digest<Md5>(data, md5_algorithm()); }

Sha256 hmac_sha256(Bytes key, Bytes data) {
  Sha256 out{};
  HMAC(sha256_algorithm(), key.data(), static_cast<int>(key.size()), raw(data.data()), data.size(), raw(out.data()),
       nullptr);
  return out;
}

Sha1 hmac_sha1(Bytes key, Bytes data) {
  Sha1 out{};
  HMAC(EVP_sha1(), key.data(), static_cast<int>(key.size()), raw(data.data()), data.size(), raw(out.data()), nullptr);
  return out;
}

std::string hex_of(Bytes data) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string out;
  out.reserve(data.size() * 2);
  for (const std::byte b : data) {
    out += kDigits[std::to_integer<unsigned>(b >> 4)];
    out += kDigits[std::to_integer<unsigned>(b & std::byte{15})];
  }
  return out;
}

std::string base64_of(Bytes data) {
  std::string out((data.size() + 2) / 3 * 4 + 1, '\0');
  const int size =
      EVP_EncodeBlock(reinterpret_cast<unsigned char*>(out.data()), raw(data.data()), static_cast<int>(data.size()));
  out.resize(static_cast<std::size_t>(size));
  return out;
}

bool from_base64(std::string_view text, std::vector<std::byte>& out) {
  out.clear();
  if (text.size() % 4 != 0) return false;
  std::vector<std::byte> decoded(text.size() / 4 * 3);
  const int size = EVP_DecodeBlock(raw(decoded.data()), reinterpret_cast<const unsigned char*>(text.data()),
                                   static_cast<int>(text.size()));
  if (size < 0) return false;
  const std::size_t padding = text.ends_with("==") ? 2 : text.ends_with("=") ? 1 : 0;
  decoded.resize(decoded.size() - padding);
  out = std::move(decoded);
  return true;
}

StreamDigest::StreamDigest(bool with_md5) : sha_(EVP_MD_CTX_new()), md5_(with_md5 ? EVP_MD_CTX_new() : nullptr) {
  EVP_DigestInit_ex2(sha_, sha256_algorithm(), nullptr);
  if (md5_ != nullptr) EVP_DigestInit_ex2(md5_, md5_algorithm(), nullptr);
}

StreamDigest::~StreamDigest() {
  EVP_MD_CTX_free(sha_);
  EVP_MD_CTX_free(md5_);
}

void StreamDigest::update(Bytes data) {
  EVP_DigestUpdate(sha_, data.data(), data.size());
  if (md5_ != nullptr) EVP_DigestUpdate(md5_, data.data(), data.size());
}

Sha256 StreamDigest::sha256() {
  Sha256 out{};
  EVP_DigestFinal_ex(sha_, raw(out.data()), nullptr);
  return out;
}

Md5 StreamDigest::md5() {
  Md5 out{};
  if (md5_ != nullptr) EVP_DigestFinal_ex(md5_, raw(out.data()), nullptr);
  return out;
}

}  // namespace replica::backend
