// Proof that a message comes from who knows the secret.
#pragma once

#include <string>
#include <string_view>

#include "config/config.hpp"

namespace litestreamd {

// HMAC-SHA-256 in lower-case hex (RFC 2104, FIPS 180-4).
std::string hmac_sha256(std::string_view key, std::string_view message);

// The key, without the line end behind it; empty when there is to be none. Errors name the file or the variable.
replica::Result<std::string> read_secret(const config::WebhookSettings& settings,
                                         const config::Environment& environment);

}  // namespace litestreamd
