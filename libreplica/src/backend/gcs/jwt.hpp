// JSON Web Tokens signed with RS256 (RFC 7515), as Google takes them from service accounts.
#pragma once

#include <string>
#include <string_view>

#include "replica/result.hpp"

namespace replica::gcs {

// `header` and `claims` are JSON objects, `private_key` is PEM. The error does not show the key.
Result<std::string> sign_jwt(std::string_view header, std::string_view claims, std::string_view private_key);

}  // namespace replica::gcs
