#include "backend/gcs/jwt.hpp"

#include <openssl/evp.h>
#include <openssl/pem.h>

#include <memory>
#include <vector>

#include "backend/digest.hpp"

namespace replica::gcs {
namespace {

template <auto Free>
struct Deleter {
  template <class T>
  void operator()(T* pointer) const noexcept {
    Free(pointer);
  }
};
using Bio = std::unique_ptr<BIO, Deleter<BIO_free_all>>;
using Key = std::unique_ptr<EVP_PKEY, Deleter<EVP_PKEY_free>>;
using Context = std::unique_ptr<EVP_MD_CTX, Deleter<EVP_MD_CTX_free>>;

// base64url without padding
std::string url_base64(Bytes data) {
  std::string out = backend::base64_of(data);
  while (out.ends_with('=')) out.pop_back();
  for (char& c : out) {
    if (c == '+') c = '-';
    if (c == '/') c = '_';
  }
  return out;
}

// Without it OpenSSL would ask at the terminal.
int no_passphrase(char*, int, int, void*) { return 0; }

Key load_key(std::string_view pem) {
  const Bio bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  Key key(PEM_read_bio_PrivateKey(bio.get(), nullptr, no_passphrase, nullptr));
  if (key && EVP_PKEY_get_base_id(key.get()) != EVP_PKEY_RSA) key.reset();
  return key;
}

bool sign_rs256(EVP_PKEY* key, std::string_view text, std::vector<std::byte>& out) {
  const Context context(EVP_MD_CTX_new());
  const auto* data = reinterpret_cast<const unsigned char*>(text.data());
  std::size_t size = 0;
  if (EVP_DigestSignInit_ex(context.get(), nullptr, "SHA256", nullptr, nullptr, key, nullptr) != 1) return false;
  if (EVP_DigestSign(context.get(), nullptr, &size, data, text.size()) != 1) return false;
  out.resize(size);
  if (EVP_DigestSign(context.get(), reinterpret_cast<unsigned char*>(out.data()), &size, data, text.size()) != 1)
    return false;
  out.resize(size);
  return true;
}

}  // namespace

Result<std::string> sign_jwt(std::string_view header, std::string_view claims, std::string_view private_key) {
  const Key key = load_key(private_key);
  if (!key) return fail(Errc::invalid_argument, "the private key is no RSA key in PEM without a passphrase");
  std::string text = url_base64(backend::bytes_of(header)) + "." + url_base64(backend::bytes_of(claims));
  std::vector<std::byte> signature;
  if (!sign_rs256(key.get(), text, signature)) return fail(Errc::invalid_argument, "the private key does not sign");
  return text + "." + url_base64(signature);
}

}  // namespace replica::gcs
