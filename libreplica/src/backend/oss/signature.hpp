// Signatures of Aliyun OSS in the Authorization header, versions 4 (OSS4-HMAC-SHA256) and 1. Pure: no clock, no
// network. help.aliyun.com/zh/oss/developer-reference/recommend-to-use-signature-version-4
#pragma once

#include "backend/s3/sigv4.hpp"
#include "http/message.hpp"
#include "replica/types.hpp"

namespace replica::oss {

using Query = std::vector<std::pair<std::string, std::string>>;  // not encoded

using s3::Credentials;

struct SigningRequest {
  std::string_view method, bucket, key;  // not encoded
  const Query& query;
  std::vector<http::Header>& headers;
};

// "name=value&name", sorted and encoded: sent like that and signed like that.
std::string encode_query(Query query);

// Each adds the headers for date, security token and Authorization.
void sign_v4(const SigningRequest& request, const Credentials& credentials, std::string_view region, Timestamp time);
void sign_v1(const SigningRequest& request, const Credentials& credentials, Timestamp time);

}  // namespace replica::oss
