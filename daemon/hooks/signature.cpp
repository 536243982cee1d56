#include "hooks/signature.hpp"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <array>
#include <fstream>
#include <iterator>

namespace litestreamd {

using replica::Errc;
using replica::fail;

std::string hmac_sha256(std::string_view key, std::string_view message) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned size = 0;
  HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()), reinterpret_cast<const unsigned char*>(message.data()),
       message.size(), digest.data(), &size);
  std::string hex;
  for (unsigned n = 0; n < size; ++n) {
    hex += kDigits[digest[n] >> 4U];
    hex += kDigits[digest[n] & 15U];
  }
  return hex;
}

replica::Result<std::string> read_secret(const config::WebhookSettings& settings,
                                         const config::Environment& environment) {
  std::string secret;
  std::string where;
  if (!settings.secret_env.empty()) {
    where = "environment variable " + settings.secret_env;
    const auto value = environment(settings.secret_env);
    if (!value) return fail(Errc::not_found, "events.webhook.secret-env: " + where + " is not set");
    secret = *value;
  } else if (!settings.secret_file.empty()) {
    where = settings.secret_file;
    std::ifstream file(settings.secret_file, std::ios::binary);
    if (!file) return fail(Errc::not_found, "events.webhook.secret-file: cannot read " + where);
    secret.assign(std::istreambuf_iterator<char>(file), {});
  } else {
    return secret;
  }
  secret.erase(secret.find_last_not_of("\r\n") + 1);
  if (secret.empty()) return fail(Errc::invalid_argument, "events.webhook: the secret in " + where + " is empty");
  return secret;
}

}  // namespace litestreamd
