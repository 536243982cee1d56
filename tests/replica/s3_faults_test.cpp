// The S3 backend against answers that a good store never gives, and some that it does on a bad day.
#include <atomic>
#include <map>

#include "backend/s3/address.hpp"
#include "backend/s3/errors.hpp"
#include "backend/s3/xml.hpp"
#include "replica/backends/s3.hpp"
#include "support/catch.hpp"
#include "support/scripted_server.hpp"

using namespace replica;
using support::http_answer;
using support::ScriptedServer;

namespace {

template <class T>
std::string error_of(const Result<T>& result) {
  return result ? "none" : std::string(name(result.error().code)) + ": " + result.error().message;
}

template <class T>
std::string code_of(const Result<T>& result) {
  return result ? "none" : std::string(name(result.error().code));
}

S3Options options_for(const ScriptedServer& server, std::chrono::milliseconds patience = std::chrono::seconds(30)) {
  return {.bucket = "b",
          .endpoint = server.url(),
          .access_key_id = "AK",
          .secret_access_key = "SK",
          .path_style = true,
          .progress_timeout = patience};
}

std::string error_body(const std::string& code, const std::string& more = "") {
  return "<?xml version=\"1.0\"?><Error><Code>" + code + "</Code><Message>why</Message>" + more + "</Error>";
}

std::string stored() { return http_answer("200 OK", "", "ETag: \"e\"\r\n"); }

Result<ObjectInfo> put(Backend& backend, std::size_t size = 3, const PutOptions& options = {}) {
  const std::vector<std::byte> data(size, std::byte{7});
  MemorySource body(data);
  return backend.put("k", body, options, {});
}

Result<std::vector<std::string>> keys(Backend& backend, std::string_view after = "") {
  std::vector<std::string> out;
  auto listed = backend.list("", after, [&](const ObjectInfo& o) { return out.push_back(o.key), true; }, {});
  if (!listed) return pass(listed);
  return out;
}

std::string listing(const std::vector<std::string>& names, const std::string& next = "") {
  std::string out = "<ListBucketResult>";
  out += next.empty() ? "<IsTruncated>false</IsTruncated>"
                      : "<IsTruncated>true</IsTruncated><NextContinuationToken>" + next + "</NextContinuationToken>";
  for (const std::string& key : names)
    out += "<Contents><Key>" + key +
           "</Key><Size>1</Size><LastModified>2026-01-01T00:00:00.000Z</LastModified></Contents>";
  return http_answer("200 OK", out + "</ListBucketResult>");
}

}  // namespace

TEST_CASE("errors of the store have codes and hints") {
  struct Row {
    const char *status, *code;
    Errc errc;
  };
  const auto row = GENERATE(values<Row>({{"503 Slow Down", "SlowDown", Errc::busy},
                                         {"429 Too Many", "Whatever", Errc::busy},
                                         {"500 Oh", "InternalError", Errc::unavailable},
                                         {"400 Bad Request", "RequestTimeout", Errc::timed_out},
                                         {"400 Bad Request", "ExpiredToken", Errc::permission_denied},
                                         {"403 Forbidden", "RequestTimeTooSkewed", Errc::permission_denied},
                                         {"404 Not Found", "NoSuchBucket", Errc::invalid_argument},
                                         {"404 Not Found", "NoSuchThing", Errc::invalid_argument},
                                         {"409 Conflict", "OperationAborted", Errc::busy},
                                         {"501 Not Implemented", "NotImplemented", Errc::unsupported},
                                         {"400 Bad Request", "BadDigest", Errc::unavailable},
                                         {"507 Full", "XMinioStorageFull", Errc::no_space},
                                         {"302 Found", "", Errc::invalid_argument}}));
  ScriptedServer server(
      [&](const std::string&) { return http_answer(row.status, error_body(row.code), "Retry-After: 3\r\n"); });
  const auto refused = put(*make_s3_backend(options_for(server)));
  REQUIRE_FALSE(refused);
  INFO(refused.error().message);
  CHECK(refused.error().code == row.errc);
  CHECK(refused.error().retry_after == std::chrono::seconds(3));
  CHECK(refused.error().message.starts_with("put k: "));
}

TEST_CASE("a page that is no answer of S3 is not taken for one") {
  const std::string page = "<html><body>Please log in</body></html>";
  ScriptedServer server([&](const std::string&) { return http_answer("200 OK", page); });
  const auto backend = make_s3_backend(options_for(server));
  CHECK(code_of(put(*backend)) == "unavailable");
  CHECK(code_of(put(*backend, std::size_t{6} << 20U)) == "unavailable");
  CHECK(code_of(keys(*backend)) == "unavailable");
  ScriptedServer lost([&](const std::string&) { return http_answer("404 Not Found", page); });
  const auto other = make_s3_backend(options_for(lost));
  MemorySink out;
  CHECK(code_of(other->get("k", {}, out, {})) == "invalid_argument");
  CHECK(code_of(other->remove("k", {})) == "invalid_argument");
  CHECK(out.data().empty());
}

TEST_CASE("a silent store is given up within the progress deadline, whatever is asked") {
  ScriptedServer server([](const std::string&) { return std::string(ScriptedServer::kSilence); });
  const auto backend = make_s3_backend(options_for(server, ScriptedServer::kBrief));
  MemorySink out;
  CHECK(code_of(put(*backend)) == "timed_out");
  CHECK(code_of(backend->get("k", {}, out, {})) == "timed_out");
  CHECK(code_of(backend->stat("k", {})) == "timed_out");
  CHECK(code_of(keys(*backend)) == "timed_out");
  CHECK(code_of(backend->remove("k", {})) == "timed_out");
}

TEST_CASE("a region that was not given is learnt, and one that was is not changed") {
  ScriptedServer server([](const std::string& request) {
    if (request.find("/eu-west-3/s3/aws4_request") != std::string::npos) return stored();
    return http_answer("400 Bad Request", error_body("AuthorizationHeaderMalformed", "<Region>eu-west-3</Region>"));
  });
  auto options = options_for(server);
  const auto backend = make_s3_backend(options);
  CHECK(error_of(put(*backend)) == "none");
  CHECK(error_of(put(*backend)) == "none");
  CHECK(server.requests().size() == 3);
  options.region = "us-west-1";
  const auto refused = put(*make_s3_backend(options));
  CHECK(code_of(refused) == "permission_denied");
  CHECK(refused.error().hint == "the bucket is in the region eu-west-3");
  CHECK(server.requests().size() == 4);
}

TEST_CASE("credentials that were replaced are taken at the next refusal") {
  ScriptedServer server([](const std::string& request) {
    return request.find("Credential=NEW/") != std::string::npos
               ? stored()
               : http_answer("403 Forbidden", error_body("InvalidAccessKeyId"));
  });
  std::map<std::string, std::string, std::less<>> variables{{"AWS_ACCESS_KEY_ID", "OLD"},
                                                            {"AWS_SECRET_ACCESS_KEY", "1"}};
  auto options = options_for(server);
  options.access_key_id.clear();
  options.environment = [&](std::string_view name) -> std::optional<std::string> {
    const auto at = variables.find(name);
    return at == variables.end() ? std::nullopt : std::optional(at->second);
  };
  const auto backend = make_s3_backend(options);
  CHECK(code_of(put(*backend)) == "permission_denied");
  variables = {{"AWS_ACCESS_KEY_ID", "NEW"}, {"AWS_SECRET_ACCESS_KEY", "2"}};
  CHECK(error_of(put(*backend)) == "none");
}

TEST_CASE("an upload whose completion fails behind a 200 has failed, and is aborted") {
  std::vector<std::string> lines;
  const std::string late = GENERATE(error_body("InternalError"), std::string("<other/>"), std::string());
  ScriptedServer server([&](const std::string& request) {
    lines.push_back(request.substr(0, request.find(" HTTP")));
    if (request.starts_with("POST /b/k?uploads"))
      return http_answer("200 OK",
                         "<InitiateMultipartUploadResult><UploadId>i&amp;d</UploadId></InitiateMultipartUploadResult>");
    if (request.starts_with("PUT")) return stored();
    if (request.starts_with("POST")) return http_answer("200 OK", late);
    return http_answer("204 No Content");
  });
  CHECK(code_of(put(*make_s3_backend(options_for(server)), (std::size_t{5} << 20U) + 1)) == "unavailable");
  CHECK(lines.back() == "DELETE /b/k?uploadId=i%26d");
}

TEST_CASE("an upload that cannot be aborted while somebody waits is aborted with the next that succeeds") {
  std::vector<std::string> lines;
  std::atomic<bool> silent{true};  // nothing that came before it was answered
  ScriptedServer server([&](const std::string& request) -> std::string {
    lines.push_back(request.substr(0, request.find(" HTTP")));
    if (request.starts_with("POST /b/k?uploads"))
      return http_answer("200 OK",
                         "<InitiateMultipartUploadResult><UploadId>id</UploadId></InitiateMultipartUploadResult>");
    if (silent) return ScriptedServer::kSilence;
    return request.starts_with("PUT") ? stored() : http_answer("204 No Content");
  });
  const auto backend = make_s3_backend(options_for(server));
  const std::vector<std::byte> data((std::size_t{5} << 20U) + 1, std::byte{7});
  MemorySource body(data);
  const auto begin = std::chrono::steady_clock::now();
  CHECK(code_of(backend->put("k", body, {}, {.stop = {}, .deadline = begin + std::chrono::milliseconds(300)})) ==
        "timed_out");
  CHECK(std::chrono::steady_clock::now() - begin < std::chrono::seconds(5));
  silent = false;
  CHECK(code_of(put(*backend)) == "none");
  CHECK(lines.back() == "DELETE /b/k?uploadId=id");
  lines.clear();
  CHECK(code_of(put(*backend)) == "none");
  CHECK(lines == std::vector<std::string>{"PUT /b/k"});
}

TEST_CASE("a part that fails is sent again, but not for ever") {
  int failures = GENERATE(1, 2, 3);
  const bool lives = failures < 3;
  std::vector<std::string> lines;
  ScriptedServer server([&](const std::string& request) {
    lines.push_back(request.substr(0, request.find(" HTTP")));
    if (request.starts_with("POST /b/k?uploads"))
      return http_answer("200 OK",
                         "<InitiateMultipartUploadResult><UploadId>id</UploadId></InitiateMultipartUploadResult>");
    if (request.find("partNumber=2") != std::string::npos && failures-- > 0)
      return http_answer("500 Oh", error_body("InternalError"));
    if (request.starts_with("PUT")) return stored();
    if (request.starts_with("POST")) return http_answer("200 OK", "<CompleteMultipartUploadResult/>");
    return http_answer("204 No Content");
  });
  const auto result = put(*make_s3_backend(options_for(server)), (std::size_t{5} << 20U) + 1);
  CHECK(error_of(result) == (lives ? "none" : "unavailable: put k part 2: InternalError: why (HTTP 500)"));
  CHECK(lines.back() == (lives ? "POST /b/k?uploadId=id" : "DELETE /b/k?uploadId=id"));
}

TEST_CASE("a store that ignores If-None-Match is found out") {
  const std::string answer = GENERATE(stored(), http_answer("501 Not Implemented", error_body("NotImplemented")));
  ScriptedServer server(
      [&](const std::string& request) { return request.starts_with("PUT") ? answer : http_answer("204 No Content"); });
  const auto backend = make_s3_backend(options_for(server));
  CHECK(backend->capabilities().conditional_put);
  CHECK(code_of(put(*backend, 3, {.if_absent = true})) == "unsupported");
  CHECK_FALSE(backend->capabilities().conditional_put);
  for (const std::string& request : server.requests()) CHECK(request.find("/b/.probe-") != std::string::npos);
  const std::size_t before = server.requests().size();
  CHECK(code_of(put(*backend, 3, {.if_absent = true})) == "unsupported");
  CHECK(server.requests().size() == before);
}

TEST_CASE("listings that are wrong are refused") {
  std::string answer;
  ScriptedServer server([&](const std::string&) { return answer; });
  const auto backend = make_s3_backend(options_for(server));
  answer = listing({"b", "a"});
  CHECK(code_of(keys(*backend)) == "unsupported");
  answer = listing({"a"}, "again");
  CHECK(code_of(keys(*backend)) != "none");
  answer = http_answer("200 OK", "<ListBucketResult><IsTruncated>true</IsTruncated></ListBucketResult>");
  CHECK(code_of(keys(*backend)) == "unavailable");
  // A store that knows neither start-after nor that folders are no objects.
  answer = listing({"a", "b/", "c", "d"});
  CHECK(keys(*backend, "a").value() == std::vector<std::string>{"c", "d"});
}

TEST_CASE("a store that knows no ranges is found out") {
  ScriptedServer server([&](const std::string& request) {
    if (request.starts_with("HEAD"))
      return std::string(
          "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nLast-Modified: Fri, 24 May 2013 00:00:00 GMT\r\n\r\n");
    return http_answer("200 OK", "abc");
  });
  MemorySink out;
  CHECK(error_of(make_s3_backend(options_for(server))->get("k", {.offset = 1, .length = 1}, out, {})) ==
        "unsupported: get k: the store gives other bytes than were asked for");
  CHECK(out.data().empty());
}

TEST_CASE("XML of any kind is survived") {
  const std::string good =
      "<ListBucketResult><EncodingType>url</EncodingType><Contents><Key>a%20b</Key><Size>1</Size>"
      "<LastModified>2026-01-01T00:00:00Z</LastModified></Contents></ListBucketResult>";
  CHECK(s3::parse_listing(good).value().objects.at(0).key == "a b");
  for (std::size_t cut = 0; cut < good.size(); ++cut) {
    CHECK_FALSE(s3::parse_listing(std::string_view(good).substr(0, cut)));
    std::string spoilt = good;
    spoilt[cut] = '<';
    static_cast<void>(s3::parse_listing(spoilt));
  }
  std::string deep;
  for (int i = 0; i < 100'000; ++i) deep += "<a>";
  CHECK_FALSE(s3::parse_listing(deep));
  CHECK(s3::parse_error("<Error><Code>X</Code></Error>").code == "X");
  CHECK(s3::parse_error("<!DOCTYPE x [<!ENTITY a \"b\">]><Error><Code>&a;</Code></Error>").code == "&a;");
  CHECK(s3::complete_body({"\"a<\""}).find("<ETag>\"a&lt;\"</ETag>") != std::string::npos);
}

TEST_CASE("buckets are addressed by host or by path") {
  const auto url = [](const S3Options& options, std::string_view region = "eu-west-1") {
    auto address = s3::address_of(options, region);
    return address ? address->url_of(address->path + "/k", "") : error_of(address);
  };
  CHECK(url({.bucket = "b"}) == "https://b.s3.eu-west-1.amazonaws.com/k");
  CHECK(url({.bucket = "b"}, "cn-north-1") == "https://b.s3.cn-north-1.amazonaws.com.cn/k");
  CHECK(url({.bucket = "a.b"}) == "https://s3.eu-west-1.amazonaws.com/a.b/k");
  CHECK(url({.bucket = "b", .path_style = true}) == "https://s3.eu-west-1.amazonaws.com/b/k");
  CHECK(url({.bucket = "b", .endpoint = "http://h:1/base/"}) == "http://b.h:1/base/k");
  CHECK(url({.bucket = "b", .endpoint = "http://h:1/base", .path_style = true}) == "http://h:1/base/b/k");
  CHECK(url({.bucket = "arn:aws:s3:us-east-2:12:accesspoint/ap"}) ==
        "https://ap-12.s3-accesspoint.us-east-2.amazonaws.com/k");
  CHECK(url({.bucket = "b", .endpoint = "ftp://h"}).starts_with("invalid_argument: "));
  CHECK(url({.bucket = "b", .endpoint = "https://u:p@h"}) ==
        "invalid_argument: the endpoint is not an http or https URL");
}
