// OSS signatures against the examples of the vendor's libraries and what these make of our requests.
#include "backend/oss/bucket.hpp"
#include "support/catch.hpp"

using namespace replica;
using namespace replica::oss;

namespace {

const Credentials kKeys{.access_key_id = "ak", .secret_access_key = "sk", .session_token = {}};

Timestamp at(long long seconds) { return Timestamp(std::chrono::seconds(seconds)); }

std::string v4(std::string_view method, std::string_view key, const Query& query, std::vector<http::Header> headers,
               long long time, const Credentials& credentials = kKeys) {
  sign_v4({.method = method, .bucket = "bucket", .key = key, .query = query, .headers = headers}, credentials,
          "cn-hangzhou", at(time));
  CHECK(headers.back().name == "Authorization");
  return headers.back().value;
}

std::string v1(std::string_view method, std::string_view bucket, std::string_view key, const Query& query,
               std::vector<http::Header> headers, const Credentials& credentials = kKeys) {
  sign_v1({.method = method, .bucket = bucket, .key = key, .query = query, .headers = headers}, credentials,
          at(1'672'223'261));
  CHECK(headers.back().name == "Authorization");
  return headers.back().value;
}

std::string host_and_path(const OssOptions& options) {
  auto place = place_of(options);
  return place ? place->endpoint.scheme + "://" + place->endpoint.host + place->endpoint.path + " " + place->region
               : place.error().message;
}

}  // namespace

// The tests of the vendor's libraries for Go and Python (signer/v4).
TEST_CASE("the vendor's examples of version 4") {
  const Query query{{"param1", "value1"}, {"+param1", "value3"}, {"|param1", "value4"},
                    {"+param2", ""},      {"|param2", ""},       {"param2", ""}};
  const std::vector<http::Header> headers{
      {"x-oss-head1", "value"}, {"abc", "value"}, {"ZAbc", "value"}, {"XYZ", "value"}, {"Content-Type", "text/plain"}};
  CHECK(v4("PUT", "1234+-/123/1.txt", query, headers, 1'702'743'657) ==
        "OSS4-HMAC-SHA256 Credential=ak/20231216/cn-hangzhou/oss/aliyun_v4_request,"
        "Signature=e21d18daa82167720f9b1047ae7e7f1ce7cb77a31e8203a7d5f4624fa0284afe");
  auto temporary = kKeys;
  temporary.session_token = "token";
  CHECK(v4("PUT", "1234+-/123/1.txt", query, headers, 1'702'784'856, temporary) ==
        "OSS4-HMAC-SHA256 Credential=ak/20231217/cn-hangzhou/oss/aliyun_v4_request,"
        "Signature=b94a3f999cf85bcdc00d332fbd3734ba03e48382c36fa4d5af5df817395bd9ea");
}

// alibabacloud-oss-v2 1.4.1 for Python
TEST_CASE("a listing is signed as the vendor's library signs it") {
  CHECK(v4("GET", "", {{"list-type", "2"}, {"prefix", "my db/"}, {"continuation-token", "=/a"}}, {}, 1'702'743'657) ==
        "OSS4-HMAC-SHA256 Credential=ak/20231216/cn-hangzhou/oss/aliyun_v4_request,"
        "Signature=0abe2dee3b80ebf03205f324b90b60addb4572279a600bb89ead0a20b6d7adf5");
}

TEST_CASE("version 1 is that of the vendor's library") {
  CHECK(v1("PUT", "bucket", "my db/x", {{"uploadId", "U"}, {"partNumber", "3"}, {"list-type", "2"}},
           {{"Content-MD5", "1B2M2Y8AsgTpgAmY7PhCfg=="}}) == "OSS ak:H5sbfcOVkHzzdHNu9DJqRIyjK3Q=");
}

TEST_CASE("queries are sent as they are signed") {
  CHECK(encode_query({{"uploads", ""}}) == "uploads");
  CHECK(encode_query({{"b", "/ "}, {"a+", "x"}}) == "a%2B=x&b=%2F%20");
}

TEST_CASE("where a bucket is") {
  CHECK(host_and_path({.bucket = "b"}) == "https://b.oss-cn-hangzhou.aliyuncs.com cn-hangzhou");
  CHECK(host_and_path({.bucket = "b", .region = "eu-central-1"}) ==
        "https://b.oss-eu-central-1.aliyuncs.com eu-central-1");
  CHECK(host_and_path({.bucket = "b", .endpoint = "oss-us-west-1-internal.aliyuncs.com"}) ==
        "https://b.oss-us-west-1-internal.aliyuncs.com us-west-1");
  CHECK(host_and_path({.bucket = "b", .region = "r", .endpoint = "http://oss.example:80/x/"}) ==
        "http://b.oss.example:80/x r");
  CHECK(host_and_path({.bucket = "b", .endpoint = "http://127.0.0.1:90"}) == "http://127.0.0.1:90/b cn-hangzhou");
  CHECK(host_and_path({.bucket = "b", .endpoint = "http://localhost"}) == "http://localhost/b cn-hangzhou");
  CHECK(host_and_path({.bucket = "b", .endpoint = "ftp://x"}) == "the endpoint is not an http or https URL");
}
