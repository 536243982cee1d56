// Access tokens: where they come from, and how long they are good.
#pragma once

#include <memory>
#include <mutex>

#include "backend/surroundings.hpp"
#include "http/client.hpp"

namespace replica::gcs {

struct Token {
  std::string text;
  Timestamp expires_at{};
};

// What a source may use.
struct Surroundings {
  backend::Environment environment;  // never empty
  std::shared_ptr<http::Client> http;
  const Clock& clock;

  std::string variable(std::string_view name) const { return environment(name).value_or(std::string()); }
};

// The key file that counts: `given`, else GOOGLE_APPLICATION_CREDENTIALS, else the one of gcloud, which need not be
// there. Empty when there is none.
struct KeyFile {
  std::string path, text;
};
Result<KeyFile> read_key_file(const std::string& given, const backend::Environment& environment);

// By the file's type: a service account signs a request for a token, a user shows a refresh token.
Result<Token> token_by_key_file(const KeyFile& file, const Surroundings& around, const Call& call);
// Of the machine's own account, from its metadata server; permission_denied when there is no such server.
Result<Token> token_of_machine(const Surroundings& around, const Call& call);

// Keeps a token until it is about to expire. Safe from any thread; one that fetches keeps the others waiting.
class TokenCache {
 public:
  TokenCache(std::string key_file, Surroundings around) : key_file_(std::move(key_file)), around_(std::move(around)) {}

  Result<std::string> get(const Call& call);
  // After a refusal. True when get() may give a better one: `refused` is forgotten because it was no good, or, with
  // `only_if_changed`, because the key file is another by now.
  bool forget(const std::string& refused, bool only_if_changed);

 private:
  Result<void> fetch(const Call& call);

  const std::string key_file_;
  const Surroundings around_;
  std::mutex mutex_;
  Token kept_;           // guarded by mutex_; empty text = none
  std::string kept_by_;  // guarded by mutex_: text of the key file that gave it
};

}  // namespace replica::gcs
