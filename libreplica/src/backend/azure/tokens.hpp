// Tokens of Entra ID for the blob service: what this machine, or a secret given to it, may have.
#pragma once

#include <mutex>

#include "backend/surroundings.hpp"
#include "http/client.hpp"

namespace replica::azure {

struct Token {
  std::string text;
  Timestamp expires_at{};
};

struct TokenSurroundings {
  backend::Environment environment;  // never empty
  std::shared_ptr<http::Client> http;
  const Clock& clock;

  std::string variable(std::string_view name) const { return environment(name).value_or(std::string()); }
};

// One way to get a token: nullopt when it is not set up here, an error when it is and does not work.
using TokenSource = Result<std::optional<Token>> (*)(const TokenSurroundings&, const Call&);

// AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_CLIENT_SECRET, else AZURE_FEDERATED_TOKEN_FILE.
Result<std::optional<Token>> from_entra(const TokenSurroundings& around, const Call& call);
// IDENTITY_ENDPOINT and IDENTITY_HEADER, as in App Service and Container Apps.
Result<std::optional<Token>> from_app_service(const TokenSurroundings& around, const Call& call);
// The metadata service of a virtual machine.
Result<std::optional<Token>> from_machine(const TokenSurroundings& around, const Call& call);
// cli.cpp: `az account get-access-token`, where the PATH has an az.
Result<std::optional<Token>> from_cli(const TokenSurroundings& around, const Call& call);

// Asks the sources in turn and keeps what the first gives until it is about to expire. Safe from any thread; one that
// fetches keeps the others waiting.
class TokenCache {
 public:
  explicit TokenCache(TokenSurroundings around) : around_(std::move(around)) {}

  Result<std::string> get(const Call& call);
  // `refused` is not given again, unless its source gives it.
  void forget(std::string_view refused);

 private:
  const TokenSurroundings around_;
  std::mutex mutex_;
  std::optional<Token> kept_;  // guarded by mutex_
};

}  // namespace replica::azure
