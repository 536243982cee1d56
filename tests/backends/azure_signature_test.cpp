// Shared Key against the example of the reference and against what the vendor's library makes of the same requests.
#include "backend/azure/shared_key.hpp"
#include "backend/digest.hpp"
#include "replica/backends/azure.hpp"
#include "support/catch.hpp"

using namespace replica;
using namespace replica::azure;

namespace {

std::vector<std::byte> key() {
  std::vector<std::byte> out;
  const auto emulator = parse_azure_connection_string("UseDevelopmentStorage=true");
  REQUIRE(backend::from_base64(emulator->account_key, out));
  return out;
}

const std::vector<http::Header> kStanding = {{"x-ms-date", "Fri, 26 Jun 2015 23:39:12 GMT"},
                                             {"x-ms-version", "2021-12-02"}};

std::vector<http::Header> with(std::vector<http::Header> more) {
  more.insert(more.end(), kStanding.begin(), kStanding.end());
  return more;
}

}  // namespace

// learn.microsoft.com/rest/api/storageservices/authorize-with-shared-key
TEST_CASE("the string that the reference signs") {
  const Query query{{"restype", "container"}, {"comp", "metadata"}, {"timeout", "20"}};
  const std::vector<http::Header> headers{{"x-ms-version", "2015-02-21"},
                                          {"x-ms-date", "Fri, 26 Jun 2015 23:39:12 GMT"}};
  CHECK(string_to_sign({.method = "GET", .path = "/mycontainer", .query = query, .headers = headers}, "myaccount") ==
        "GET\n\n\n\n\n\n\n\n\n\n\n\nx-ms-date:Fri, 26 Jun 2015 23:39:12 GMT\nx-ms-version:2015-02-21\n"
        "/myaccount/mycontainer\ncomp:metadata\nrestype:container\ntimeout:20");
}

TEST_CASE("every header of HTTP that is signed has its line") {
  const Query none;
  const std::vector<http::Header> headers{{"Range", "bytes=0-1"}, {"If-None-Match", "*"}, {"Content-MD5", "m"},
                                          {"Content-Type", "t"},  {"If-Match", "e"},      {"X-Ms-B", "2"},
                                          {"x-ms-a", "1"},        {"Date", "d"},          {"Host", "unsigned"}};
  CHECK(string_to_sign({.method = "PUT", .path = "/c/%C3%A9", .query = none, .headers = headers, .content_length = 3},
                       "a") == "PUT\n\n\n3\nm\nt\nd\n\ne\n*\n\nbytes=0-1\nx-ms-a:1\nx-ms-b:2\n/a/c/%C3%A9");
}

// azure-storage-blob 12.31.1 for Python, with the emulator's key.
TEST_CASE("signatures are those of the vendor's library") {
  const Query listing{{"restype", "container"}, {"comp", "list"},        {"include", "metadata"},
                      {"maxresults", "1000"},   {"prefix", "db/ltx/0/"}, {"marker", "2!92 a"}};
  CHECK(authorization({.method = "GET", .path = "/mycontainer", .query = listing, .headers = kStanding}, "myaccount",
                      key()) == "SharedKey myaccount:8DR2uqm56GPqjxHPMJAjJFLFHdsRPwAXDT57qTSjto0=");
  const Query none;
  const auto put = with({{"x-ms-blob-type", "BlockBlob"},
                         {"x-ms-blob-content-type", "application/octet-stream"},
                         {"x-ms-meta-litestreamtimestamp", "2021-02-03T04:05:06.789Z"},
                         {"If-None-Match", "*"},
                         {"Content-MD5", "1B2M2Y8AsgTpgAmY7PhCfg=="}});
  CHECK(authorization({.method = "PUT",
                       .path = "/mycontainer/my%20db/%C3%A9.ltx",
                       .query = none,
                       .headers = put,
                       .content_length = 11},
                      "myaccount", key()) == "SharedKey myaccount:OlsfjFItcqeKIR+qmsJKqBQP3saIDU2UZnA45SYF2ek=");
  CHECK(authorization({.method = "DELETE", .path = "/devstoreaccount1/replica/a", .query = none, .headers = kStanding},
                      "devstoreaccount1",
                      key()) == "SharedKey devstoreaccount1:P86wgvpcw35qDwqhUOFjSoUzgFsq2sUwXuggwzkEYEc=");
  const Query block{{"comp", "block"}, {"blockid", "AAA+AA/="}};
  CHECK(authorization(
            {.method = "PUT", .path = "/mycontainer/k", .query = block, .headers = kStanding, .content_length = 65},
            "myaccount", key()) == "SharedKey myaccount:kwh6H3z4RxcKvshXihcowM1noP9PgboLGDdlDNaNAXc=");
}

TEST_CASE("connection strings") {
  const auto given = parse_azure_connection_string(
      "DefaultEndpointsProtocol=https;AccountName=acct;AccountKey=a2V5cw==;EndpointSuffix=core.chinacloudapi.cn");
  REQUIRE(given);
  CHECK(given->account == "acct");
  CHECK(given->account_key == "a2V5cw==");
  CHECK(given->endpoint == "https://acct.blob.core.chinacloudapi.cn");
  const auto sas = parse_azure_connection_string(
      "BlobEndpoint=https://acct.blob.core.windows.net/;SharedAccessSignature=sv=2021&sig=x%3D\n;");
  REQUIRE(sas);
  CHECK(sas->account.empty());
  CHECK(sas->endpoint == "https://acct.blob.core.windows.net");
  CHECK(sas->sas_token == "sv=2021&sig=x%3D\n");
  CHECK(parse_azure_connection_string("AccountName=acct;AccountKey=k")->endpoint ==
        "https://acct.blob.core.windows.net");
  for (const char* text : {"", "AccountKey=hush", "AccountName", "hush;AccountName=a"}) {
    const auto refused = parse_azure_connection_string(text);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == Errc::invalid_argument);
    CHECK(refused.error().message.find("hush") == std::string::npos);
  }
}
