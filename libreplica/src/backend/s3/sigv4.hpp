// AWS Signature Version 4 for S3, in the Authorization header. Pure: no clock, no network.
// docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "http/message.hpp"
#include "replica/types.hpp"

namespace replica::s3 {

struct Credentials {
  std::string access_key_id, secret_access_key, session_token;
};

using Query = std::vector<std::pair<std::string, std::string>>;  // not encoded

inline constexpr std::string_view kUnsignedPayload = "UNSIGNED-PAYLOAD";
inline constexpr std::string_view kEmptyPayload =  // the SHA-256 of nothing
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

struct SigningRequest {
  std::string_view method;
  std::string_view path;  // as it is sent: encoded once
  const Query& query;
  std::vector<http::Header>& headers;  // every one is signed
  std::string_view payload_hash;       // SHA-256 in hex, or kUnsignedPayload
};

struct SigningScope {
  std::string_view region;
  std::string_view service = "s3";
  Timestamp time{};
};

// "key=value&…", sorted and encoded: sent like that and signed like that.
std::string encode_query(Query query);
std::string canonical_request(const SigningRequest& request);
std::string string_to_sign(std::string_view canonical_request, const SigningScope& scope);
// 64 hex digits.
std::string signature(std::string_view string_to_sign, std::string_view secret, const SigningScope& scope);

// "20130524T000000Z"
std::string compact_time(Timestamp time);

// Adds x-amz-date, x-amz-content-sha256, x-amz-security-token and Authorization to the headers, which name the host.
void sign(const SigningRequest& request, const Credentials& credentials, const SigningScope& scope);

}  // namespace replica::s3
