// Key files as Google gives them, with an RSA key of the test's own, and what a token endpoint is asked.
#pragma once

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include <fstream>
#include <map>

#include "backend/digest.hpp"
#include "backend/gcs/tokens.hpp"
#include "backend/json.hpp"
#include "support/catch.hpp"
#include "support/hand_clock.hpp"
#include "support/scripted_server.hpp"
#include "support/temp_dir.hpp"

namespace gcs_fixture {

using namespace replica;
using support::HandClock;
using support::http_answer;
using support::ScriptedServer;

namespace json = boost::json;

template <class T>
inline std::string error_of(const Result<T>& result) {
  return result ? "none" : std::string(name(result.error().code)) + ": " + result.error().message;
}

// An RSA key of the test's own, made once.
inline EVP_PKEY* rsa_key() {
  static EVP_PKEY* const kKey = EVP_RSA_gen(2048);
  return kKey;
}

inline std::string private_pem() {
  BIO* bio = BIO_new(BIO_s_mem());
  PEM_write_bio_PrivateKey(bio, rsa_key(), nullptr, nullptr, 0, nullptr, nullptr);
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  std::string out(data, static_cast<std::size_t>(size));
  BIO_free(bio);
  return out;
}

inline std::string from_url_base64(std::string text) {
  for (char& c : text) c = c == '-' ? '+' : c == '_' ? '/' : c;
  while (text.size() % 4 != 0) text += '=';
  std::vector<std::byte> out;
  REQUIRE(backend::from_base64(text, out));
  return {reinterpret_cast<const char*>(out.data()), out.size()};
}

// The claims of a token whose signature our public key confirms.
inline json::object verified(const std::string& jwt) {
  const std::size_t first = jwt.find('.'), second = jwt.rfind('.');
  REQUIRE((first != std::string::npos && first < second));
  const std::string text = jwt.substr(0, second), signature = from_url_base64(jwt.substr(second + 1));
  EVP_MD_CTX* context = EVP_MD_CTX_new();
  EVP_DigestVerifyInit_ex(context, nullptr, "SHA256", nullptr, nullptr, rsa_key(), nullptr);
  const int good = EVP_DigestVerify(context, reinterpret_cast<const unsigned char*>(signature.data()), signature.size(),
                                    reinterpret_cast<const unsigned char*>(text.data()), text.size());
  EVP_MD_CTX_free(context);
  CHECK(good == 1);
  const auto header = backend::parse_object(from_url_base64(jwt.substr(0, first)));
  REQUIRE(header);
  CHECK(backend::text_in(*header, "alg") == "RS256");
  CHECK(backend::text_in(*header, "kid") == "key-1");
  return backend::parse_object(from_url_base64(jwt.substr(first + 1, second - first - 1))).value();
}

inline std::string form_field(const std::string& request, const std::string& name) {
  const std::string body = "&" + request.substr(request.find("\r\n\r\n") + 4);
  const std::size_t at = body.find("&" + name + "=");
  if (at == std::string::npos) return {};
  const std::size_t begin = at + name.size() + 2;
  return http::percent_decode(body.substr(begin, body.find('&', begin) - begin));
}

inline std::string token_answer(const std::string& token, int seconds = 3600) {
  return http_answer("200 OK", R"({"access_token":")" + token + R"(","token_type":"Bearer","expires_in":)" +
                                   std::to_string(seconds) + "}");
}

struct Fixture {
  support::TempDir dir;
  HandClock clock;
  std::map<std::string, std::string, std::less<>> variables{{"HOME", dir.path()}, {"GCE_METADATA_HOST", "127.0.0.1:1"}};

  std::string file(const std::string& name, const std::string& text) const {
    std::filesystem::create_directories(std::filesystem::path(dir.path(name)).parent_path());
    std::ofstream(dir.path(name)) << text;
    return dir.path(name);
  }
  std::string service_account(const std::string& token_uri, const std::string& account = "a@p.example") const {
    return json::serialize(json::object{{"type", "service_account"},
                                        {"client_email", account},
                                        {"private_key_id", "key-1"},
                                        {"private_key", private_pem()},
                                        {"token_uri", token_uri}});
  }
  backend::Environment environment() {
    return [this](std::string_view name) -> std::optional<std::string> {
      const auto at = variables.find(name);
      return at == variables.end() ? std::nullopt : std::optional(at->second);
    };
  }
  std::unique_ptr<gcs::TokenCache> cache(const std::string& key_file = "") {
    return std::make_unique<gcs::TokenCache>(
        key_file, gcs::Surroundings{.environment = environment(), .http = http::shared_client({}), .clock = clock});
  }
  std::string token(const std::string& key_file = "") {
    auto got = cache(key_file)->get({});
    return got ? *got : error_of(got);
  }
};

}  // namespace gcs_fixture
