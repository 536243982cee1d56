// Bearer tokens: where they are read, and which of them somebody has shown.
#pragma once

#include <array>
#include <vector>

#include "control/access.hpp"

namespace control {

using Digest = std::array<unsigned char, 32>;  // SHA-256

class TokenStore {
 public:
  static Result<TokenStore> read(const AccessOptions& options);

  // nullptr for none of ours. Takes the same time whichever it is, and whether it is one.
  PrincipalPtr find(std::string_view token) const;

  std::vector<std::string> warnings{};

 private:
  struct Entry {
    Digest digest;
    PrincipalPtr caller;
  };
  Result<void> add(std::string_view token, const PrincipalPtr& caller, const std::string& origin);
  Result<void> add_file(const TokenRule& rule, const PrincipalPtr& caller);

  std::vector<Entry> entries_;
};

// "Bearer TOKEN" → TOKEN, the scheme in any case.
std::optional<std::string_view> bearer_token(std::string_view authorization);

}  // namespace control
