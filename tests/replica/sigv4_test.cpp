// Signatures against examples that AWS has published.
#include "backend/s3/sigv4.hpp"

#include "backend/digest.hpp"
#include "support/catch.hpp"

using namespace replica;
using namespace replica::s3;

namespace {

// docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html, "Examples: Signature Calculations"
const Credentials kExample{.access_key_id = "AKIAIOSFODNN7EXAMPLE",
                           .secret_access_key = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
                           .session_token = {}};
constexpr const char* kHost = "examplebucket.s3.amazonaws.com";

Timestamp at(std::string_view text) { return parse_rfc3339(text).value(); }

std::string authorization(std::vector<http::Header> headers, std::string_view method, std::string_view path,
                          const Query& query, std::string_view hash = kEmptyPayload) {
  sign({.method = method, .path = path, .query = query, .headers = headers, .payload_hash = hash}, kExample,
       {.region = "us-east-1", .time = at("2013-05-24T00:00:00Z")});
  return headers.back().value;
}

constexpr const char* kPrefix =
    "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,SignedHeaders=";

}  // namespace

TEST_CASE("the examples of Amazon's S3 reference") {
  CHECK(authorization({{"Host", kHost}, {"Range", "bytes=0-9"}}, "GET", "/test.txt", {}) ==
        std::string(kPrefix) +
            "host;range;x-amz-content-sha256;x-amz-date,Signature="
            "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41");
  CHECK(authorization(
            {{"Host", kHost}, {"Date", "Fri, 24 May 2013 00:00:00 GMT"}, {"x-amz-storage-class", "REDUCED_REDUNDANCY"}},
            "PUT", "/test%24file.text", {}, "44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072") ==
        std::string(kPrefix) +
            "date;host;x-amz-content-sha256;x-amz-date;x-amz-storage-class,Signature="
            "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd");
  CHECK(authorization({{"Host", kHost}}, "GET", "/", {{"lifecycle", ""}}) ==
        std::string(kPrefix) +
            "host;x-amz-content-sha256;x-amz-date,Signature="
            "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543");
  CHECK(authorization({{"Host", kHost}}, "GET", "/", {{"prefix", "J"}, {"max-keys", "2"}}) ==
        std::string(kPrefix) +
            "host;x-amz-content-sha256;x-amz-date,Signature="
            "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7");
}

TEST_CASE("the body of the published put has the published hash") {
  CHECK(backend::hex_of(backend::sha256(backend::bytes_of("Welcome to Amazon S3."))) ==
        "44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072");
  CHECK(backend::hex_of(backend::sha256({})) == kEmptyPayload);
}

// The signature test suite of AWS, cases get-vanilla, get-header-value-trim, get-vanilla-query-order-key-case.
TEST_CASE("the signature test suite") {
  const SigningScope scope{.region = "us-east-1", .service = "service", .time = at("2015-08-30T12:36:00Z")};
  const auto signed_with = [&](std::vector<http::Header> headers, const Query& query) {
    headers.push_back({"X-Amz-Date", "20150830T123600Z"});
    const std::string canonical = canonical_request(
        {.method = "GET", .path = "/", .query = query, .headers = headers, .payload_hash = kEmptyPayload});
    return signature(string_to_sign(canonical, scope), "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", scope);
  };
  const http::Header host{"Host", "example.amazonaws.com"};
  CHECK(signed_with({host}, {}) == "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31");
  CHECK(signed_with({host, {"My-Header1", " value1"}, {"My-Header2", " \"a   b   c\""}}, {}) ==
        "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736");
  CHECK(signed_with({host}, {{"Param2", "value2"}, {"Param1", "value1"}}) ==
        "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500");
}

TEST_CASE("a session token is signed") {
  std::vector<http::Header> headers{{"Host", kHost}};
  Credentials temporary = kExample;
  temporary.session_token = "TOKEN";
  sign({.method = "GET", .path = "/", .query = {}, .headers = headers, .payload_hash = kEmptyPayload}, temporary,
       {.region = "us-east-1", .time = at("2013-05-24T00:00:00Z")});
  CHECK(headers.back().value.find("x-amz-date;x-amz-security-token,") != std::string::npos);
}

TEST_CASE("queries are sorted by their encoded form") {
  CHECK(encode_query({{"uploads", ""}}) == "uploads=");
  CHECK(encode_query({{"b", "x y/z"}, {"a", "\xc3\xa9~"}, {"A", "+"}}) == "A=%2B&a=%C3%A9~&b=x%20y%2Fz");
}

TEST_CASE("hashes and codings") {
  using backend::bytes_of;
  CHECK(
      backend::hex_of(backend::hmac_sha256(bytes_of("key"), bytes_of("The quick brown fox jumps over the lazy dog"))) ==
      "f7bc83f430538424b13298e6aa6fb143ef4d59a14946175997479dbc2d1a3cd8");
  CHECK(backend::base64_of(backend::md5(bytes_of(""))) == "1B2M2Y8AsgTpgAmY7PhCfg==");
  std::vector<std::byte> out;
  for (const std::string_view text : {"", "a", "ab", "abc", "abcd"}) {
    REQUIRE(backend::from_base64(backend::base64_of(bytes_of(text)), out));
    CHECK(std::string_view(reinterpret_cast<const char*>(out.data()), out.size()) == text);
  }
  CHECK_FALSE(backend::from_base64("abc", out));
  CHECK_FALSE(backend::from_base64("a?c=", out));
}
