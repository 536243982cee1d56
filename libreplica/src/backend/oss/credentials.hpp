// Where the keys of OSS come from when none are given: the vendor's chain, as far as it needs no file of its tools.
#pragma once

#include "backend/s3/credentials.hpp"

namespace replica::oss {

// OSS_ACCESS_KEY_ID…, else ALIBABA_CLOUD_ACCESS_KEY_ID….
Result<std::optional<s3::TemporaryCredentials>> from_environment(const s3::Surroundings& around, const Call& call);
// ALIBABA_CLOUD_ROLE_ARN, ALIBABA_CLOUD_OIDC_PROVIDER_ARN, ALIBABA_CLOUD_OIDC_TOKEN_FILE: a role, by a token from a
// file, as in containers of ACK.
Result<std::optional<s3::TemporaryCredentials>> from_oidc(const s3::Surroundings& around, const Call& call);
// ALIBABA_CLOUD_CREDENTIALS_URI.
Result<std::optional<s3::TemporaryCredentials>> from_uri(const s3::Surroundings& around, const Call& call);
// The RAM role of an ECS instance, by its metadata.
Result<std::optional<s3::TemporaryCredentials>> from_instance(const s3::Surroundings& around, const Call& call);

// These in turn.
s3::CredentialCache credential_cache(std::optional<s3::Credentials> given, s3::Surroundings around);

}  // namespace replica::oss
