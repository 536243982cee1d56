#include "access/tokens.hpp"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <sys/stat.h>

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <fstream>

#include "net/address.hpp"

namespace control {
namespace {

constexpr std::size_t kMinTokenBytes = 16;  // what can not be guessed over a network

Digest digest_of(std::string_view token) {
  Digest digest{};
  EVP_Digest(token.data(), token.size(), digest.data(), nullptr, EVP_sha256(), nullptr);
  return digest;
}

Failure invalid(std::string message, std::string hint = {}) {
  return fail({.message = std::move(message), .reason = "invalid_token", .hint = std::move(hint)});
}

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kBlanks = " \t\r\n";
  const std::size_t first = text.find_first_not_of(kBlanks);
  if (first == text.npos) return {};
  return text.substr(first, text.find_last_not_of(kBlanks) - first + 1);
}

std::optional<std::string> variable(const AccessOptions& options, const std::string& name) {
  if (options.environment) return options.environment(name);
  const char* value = std::getenv(name.c_str());  // NOLINT(concurrency-mt-unsafe): nobody here writes to it
  return value != nullptr ? std::optional<std::string>(value) : std::nullopt;
}

}  // namespace

std::optional<std::string_view> bearer_token(std::string_view authorization) {
  constexpr std::string_view kScheme = "bearer ";
  if (authorization.size() < kScheme.size()) return std::nullopt;
  const bool is_bearer = std::equal(kScheme.begin(), kScheme.end(), authorization.begin(), [](char a, char b) {
    return a == static_cast<char>(std::tolower(static_cast<unsigned char>(b)));
  });
  if (!is_bearer) return std::nullopt;
  return trimmed(authorization.substr(kScheme.size()));
}

Result<void> TokenStore::add(std::string_view token, const PrincipalPtr& caller, const std::string& origin) {
  if (token.size() < kMinTokenBytes) {
    return invalid(origin + ": token is shorter than " + std::to_string(kMinTokenBytes) + " characters",
                   "make one with: openssl rand -hex 32");
  }
  entries_.push_back({digest_of(token), caller});
  return {};
}

Result<void> TokenStore::add_file(const TokenRule& rule, const PrincipalPtr& caller) {
  std::ifstream file(rule.file);
  struct stat about{};
  if (!file || ::stat(rule.file.c_str(), &about) != 0) {
    return invalid("cannot read token file " + rule.file + ": " + errno_text(errno));
  }
  if ((about.st_mode & (S_IRWXG | S_IRWXO)) != 0) {
    warnings.push_back("token file can be read by others than its owner: " + rule.file);
  }
  const std::size_t before = entries_.size();
  std::string line;
  while (std::getline(file, line)) {
    const std::string_view token = trimmed(line);
    if (token.empty() || token.front() == '#') continue;
    if (Result<void> added = add(token, caller, "token file " + rule.file); !added) return added;
  }
  OPENSSL_cleanse(line.data(), line.size());
  if (entries_.size() == before) return invalid("token file " + rule.file + " has no token in it");
  return {};
}

Result<TokenStore> TokenStore::read(const AccessOptions& options) {
  TokenStore store;
  for (const TokenRule& rule : options.tokens) {
    const auto caller = std::make_shared<const Principal>(
        Principal{.name = "token " + rule.name, .role = rule.role, .databases = rule.databases});
    Result<void> added;
    if (!rule.file.empty()) {
      added = store.add_file(rule, caller);
    } else if (const std::optional<std::string> value = variable(options, rule.env)) {
      added = store.add(trimmed(*value), caller, "environment variable " + rule.env);
    } else {
      added = invalid("environment variable " + rule.env + " of token " + rule.name + " is not set");
    }
    if (!added) return fail(std::move(added.error()));
  }
  return store;
}

PrincipalPtr TokenStore::find(std::string_view token) const {
  const Digest shown = digest_of(token);
  const PrincipalPtr* found = nullptr;
  for (const Entry& entry : entries_) {
    if (CRYPTO_memcmp(entry.digest.data(), shown.data(), shown.size()) == 0) found = &entry.caller;
  }
  return found != nullptr ? *found : nullptr;
}

}  // namespace control
