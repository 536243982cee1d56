// The Azure backend against answers that a good store never gives, and some that it does on a bad day.
#include "backend/azure/errors.hpp"
#include "backend/azure/xml.hpp"
#include "backend/digest.hpp"
#include "exam.hpp"
#include "replica/backends/azure.hpp"
#include "support/contains.hpp"
#include "support/scripted_server.hpp"

using namespace replica;
using namespace servers;
using support::contains;
using support::http_answer;
using support::ScriptedServer;

namespace {

constexpr std::size_t kMiB = std::size_t{1} << 20U;

template <class T>
std::string code_of(const Result<T>& result) {
  return result ? "none" : std::string(name(result.error().code));
}

AzureOptions options_for(const ScriptedServer& server, std::chrono::milliseconds patience = std::chrono::seconds(30)) {
  return {.account = "a",
          .container = "c",
          .endpoint = server.url() + "/a",
          .account_key = "c2VjcmV0",
          .part_size = kMiB,
          .concurrency = 2,
          .progress_timeout = patience};
}

std::string error_answer(const std::string& status, const std::string& code, const std::string& message = "why") {
  return http_answer(status,
                     "\xef\xbb\xbf<?xml version=\"1.0\" encoding=\"utf-8\"?><Error><Code>" + code + "</Code><Message>" +
                         message + "\nRequestId:1</Message></Error>",
                     "x-ms-error-code: " + code + "\r\n");
}

std::string created() { return http_answer("201 Created", "", "ETag: \"e\"\r\n"); }

Result<ObjectInfo> put(Backend& backend, std::size_t size = 3, const PutOptions& options = {}) {
  const auto data = some_bytes(size);
  MemorySource body(data);
  return backend.put("k", body, options, {});
}

std::string blob(const std::string& name, const std::string& more = "") {
  return "<Blob><Name>" + name +
         "</Name><Properties><Last-Modified>Fri, 26 Jun 2015 23:39:12 GMT</Last-Modified>"
         "<Content-Length>1</Content-Length></Properties>" +
         more + "</Blob>";
}

std::string page(const std::string& blobs, const std::string& next = "") {
  return "<?xml version=\"1.0\"?><EnumerationResults><Blobs>" + blobs + "</Blobs><NextMarker>" + next +
         "</NextMarker></EnumerationResults>";
}

Result<std::vector<std::string>> keys(Backend& backend, std::string_view after = "") {
  std::vector<std::string> out;
  auto listed = backend.list("", after, [&](const ObjectInfo& o) { return out.push_back(o.key), true; }, {});
  if (!listed) return pass(listed);
  return out;
}

// Blobs n0000… in pages of three. How it takes startFrom is the test's.
class Shelf {
 public:
  enum class StartFrom { unknown, refused, right, wrong };
  explicit Shelf(StartFrom start_from) : start_from_(start_from) {}

  static std::string name_of(std::size_t i) {
    return "n" + std::string(4 - std::to_string(i).size(), '0') + std::to_string(i);
  }
  std::string answer(const std::string& request) const {
    const std::string from = parameter(request, "startFrom"), marker = parameter(request, "marker");
    if (!from.empty() && start_from_ == StartFrom::refused)
      return error_answer("400 Bad Request", "InvalidHeaderValue");
    std::size_t at = marker.empty() ? 0 : std::stoul(marker.substr(1));
    if (!from.empty() && marker.empty() && start_from_ != StartFrom::unknown)
      at = std::stoul(from.substr(1)) + (start_from_ == StartFrom::wrong ? 3 : 0);
    const std::size_t end = std::min<std::size_t>(at + 3, 30);
    std::string blobs;
    for (std::size_t i = at; i < end; ++i) blobs += blob(name_of(i));
    return http_answer("200 OK", page(blobs, end < 30 ? "m" + std::to_string(end) : ""));
  }

 private:
  static std::string parameter(const std::string& request, const std::string& name) {
    const std::string line = request.substr(0, request.find(" HTTP/"));
    const std::size_t at = line.find("&" + name + "=");
    if (at == std::string::npos) return {};
    const std::size_t begin = at + name.size() + 2;
    return line.substr(begin, line.find('&', begin) - begin);
  }
  StartFrom start_from_;
};

}  // namespace

TEST_CASE("errors of the blob service have codes and hints") {
  struct Row {
    const char *status, *code;
    Errc errc;
  };
  const auto row = GENERATE(values<Row>({{"503 Busy", "ServerBusy", Errc::busy},
                                         {"429 Too Many", "Whatever", Errc::busy},
                                         {"500 Oh", "InternalError", Errc::unavailable},
                                         {"500 Oh", "OperationTimedOut", Errc::timed_out},
                                         {"403 Forbidden", "AuthenticationFailed", Errc::permission_denied},
                                         {"403 Forbidden", "AuthorizationPermissionMismatch", Errc::permission_denied},
                                         {"403 Forbidden", "Whatever", Errc::permission_denied},
                                         {"404 Not Found", "ContainerNotFound", Errc::invalid_argument},
                                         {"404 Not Found", "Whatever", Errc::invalid_argument},
                                         {"404 Not Found", "BlobNotFound", Errc::not_found},
                                         {"400 Bad Request", "Md5Mismatch", Errc::unavailable},
                                         {"409 Conflict", "ContainerBeingDeleted", Errc::busy},
                                         {"409 Conflict", "BlobImmutableDueToPolicy", Errc::permission_denied},
                                         {"412 Precondition Failed", "LeaseIdMissing", Errc::permission_denied},
                                         {"409 Conflict", "BlobArchived", Errc::invalid_argument},
                                         {"302 Found", "Whatever", Errc::invalid_argument}}));
  INFO(row.code);
  ScriptedServer server([&](const std::string&) { return error_answer(row.status, row.code); });
  const auto backend = make_azure_backend(options_for(server));
  const auto error = put(*backend).error();
  CHECK(error.code == row.errc);
  CHECK(contains(error.message, row.code));
  CHECK_FALSE(contains(error.message, "RequestId"));
  if (error.code == Errc::permission_denied) CHECK_FALSE(error.hint.empty());
  if (row.errc == Errc::not_found) return;
  CHECK(code_of(backend->stat("k", {})) == name(row.errc));
  CHECK(code_of(keys(*backend)) == name(row.errc));
}

TEST_CASE("a refusal of the blob service that is about the clock says so") {
  class LateClock final : public Clock {
   public:
    Timestamp now() const override { return parse_rfc3339("2026-01-01T11:40:00Z").value(); }
    Steady steady() const override { return SystemClock().steady(); }
  };
  std::string date = "Thu, 01 Jan 2026 12:00:00 GMT";
  ScriptedServer server([&](const std::string&) {
    return http_answer("403 Forbidden", "", "x-ms-error-code: AuthenticationFailed\r\nDate: " + date + "\r\n");
  });
  const LateClock clock;
  auto options = options_for(server);
  options.clock = &clock;
  options.part_size = 1000;
  const auto backend = make_azure_backend(options);
  const std::string late = "set the clock of this machine: it is 20 minutes behind that of the store";
  CHECK(put(*backend).error().hint == late);
  CHECK(put(*backend, 3000).error().hint == late);
  CHECK(keys(*backend).error().hint == late);
  date = "Thu, 01 Jan 2026 11:10:00 GMT";
  CHECK(put(*backend).error().hint == "set the clock of this machine: it is 30 minutes ahead of that of the store");
  date = "Thu, 01 Jan 2026 11:42:00 GMT";
  CHECK(put(*backend).error().hint.starts_with("check account-name and account-key or sas-token"));
}

TEST_CASE("an answer that repeats what was signed is not repeated") {
  ScriptedServer server([](const std::string&) {
    return error_answer("403 Forbidden", "AuthenticationFailed", "signature 'c2VjcmV0' is wrong");
  });
  CHECK(put(*make_azure_backend(options_for(server))).error().message == "put k: AuthenticationFailed (HTTP 403)");
}

TEST_CASE("a page of something else is no store, and never an empty one") {
  ScriptedServer server([](const std::string& request) {
    if (request.starts_with("HEAD")) return http_answer("404 Not Found");
    return http_answer(request.starts_with("DELETE") ? "404 Not Found" : "200 OK", "<html>log in</html>");
  });
  const auto backend = make_azure_backend(options_for(server));
  CHECK(error_of(put(*backend)) == "unavailable: put k: the answer has no ETag");
  CHECK(code_of(backend->stat("k", {})) == "invalid_argument");
  CHECK(code_of(keys(*backend)) == "unavailable");
  CHECK(code_of(backend->remove("k", {})) == "invalid_argument");
}

TEST_CASE("Retry-After of the blob service is handed on") {
  ScriptedServer server([](const std::string&) {
    return http_answer("503 Busy", "", "x-ms-error-code: ServerBusy\r\nRetry-After: 7\r\n");
  });
  const auto error = put(*make_azure_backend(options_for(server))).error();
  CHECK(error.code == Errc::busy);
  CHECK(error.retry_after == std::chrono::seconds(7));
}

TEST_CASE("a silent blob store is given up") {
  ScriptedServer server([](const std::string&) { return ScriptedServer::kSilence; });
  const auto backend = make_azure_backend(options_for(server, ScriptedServer::kBrief));
  CHECK(code_of(put(*backend)) == "timed_out");
  CHECK(code_of(put(*backend, 3 * kMiB)) == "timed_out");
  CHECK(code_of(backend->stat("k", {})) == "timed_out");
  CHECK(code_of(keys(*backend)) == "timed_out");
}

TEST_CASE("a get that gives other bytes than were asked for is an error") {
  std::string answer;
  ScriptedServer server([&](const std::string& request) {
    if (request.starts_with("HEAD"))
      return std::string(
          "HTTP/1.1 200 OK\r\nContent-Length: 100\r\nLast-Modified: Fri, 26 Jun 2015 23:39:12 GMT\r\n\r\n");
    return answer;
  });
  const auto backend = make_azure_backend(options_for(server));
  const auto get = [&](ByteRange range) {
    MemorySink out;
    return code_of(backend->get("k", range, out, {}));
  };
  answer = http_answer("200 OK", std::string(100, 'x'));
  CHECK(get({.offset = 5}) == "unsupported");
  answer = http_answer("206 Partial", "xxxxx", "Content-Range: bytes 6-10/100\r\n");
  CHECK(get({.offset = 5, .length = 5}) == "unsupported");
  answer = http_answer("206 Partial", "xxx", "Content-Range: bytes 5-9/100\r\n");
  CHECK(get({.offset = 5, .length = 5}) == "unavailable");
  answer = "HTTP/1.1 200 OK\r\nContent-Length: 100\r\nConnection: close\r\n\r\nxxx";
  CHECK(get({}) == "unavailable");
  answer = error_answer("416 Range", "InvalidRange");
  CHECK(get({.offset = 101}) == "out_of_range");
  CHECK(get({.offset = 100}) == "none");
}

TEST_CASE("a block that fails is sent again, and the whole is given up after three times") {
  int failures = 0;
  std::atomic<int> failed = 0;
  ScriptedServer server([&](const std::string& request) {
    if (contains(request.substr(0, 200), "comp=block&") && failed < failures) {
      ++failed;
      return error_answer("500 Oh", "InternalError");
    }
    return created();
  });
  const auto backend = make_azure_backend(options_for(server));
  failures = 2;
  CHECK(error_of(put(*backend, 3 * kMiB)) == "none");
  failed = 0;
  failures = 100;
  CHECK(code_of(put(*backend, kMiB)) == "unavailable");
  CHECK(failed == 3);
}

TEST_CASE("blocks have ids of one length, and of an upload of their own") {
  ScriptedServer server([](const std::string&) { return created(); });
  const auto backend = make_azure_backend(options_for(server));
  for (int i = 0; i < 2; ++i)
    REQUIRE(error_of(put(*backend, 2 * kMiB + 1,
                         {.modified_at = Timestamp(std::chrono::seconds(1)), .if_absent = true})) == "none");
  std::vector<std::string> ids, commits;
  for (const std::string& request : server.requests()) {
    const std::size_t at = request.find("blockid=");
    if (at == std::string::npos) {
      commits.push_back(request);
      continue;
    }
    const std::string id = http::percent_decode(request.substr(at + 8, request.find(' ', at) - at - 8));
    CHECK(id.size() == 88);
    CHECK(contains(request, "Content-MD5: "));
    CHECK_FALSE(contains(request, "If-None-Match"));
    ids.push_back(id);
  }
  REQUIRE(commits.size() == 2);
  CHECK(ids.size() == 6);
  std::sort(ids.begin(), ids.end());
  CHECK(std::unique(ids.begin(), ids.end()) == ids.end());
  for (const std::string& commit : commits) {
    CHECK(contains(commit, "If-None-Match: *"));
    CHECK(contains(commit, "x-ms-meta-litestreamtimestamp: 1970-01-01T00:00:01Z"));
  }
}

TEST_CASE("blocks that another upload has taken away: the blob decides") {
  bool exists = true, lost = false;
  ScriptedServer server([&](const std::string& request) {
    if (lost && request.starts_with("PUT")) return error_answer("500 Oh", "InternalError");
    if (request.starts_with("HEAD") && exists)
      return std::string(
          "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nLast-Modified: Fri, 26 Jun 2015 23:39:12 GMT\r\n\r\n");
    if (request.starts_with("HEAD")) return http_answer("404 Gone", "", "x-ms-error-code: BlobNotFound\r\n");
    if (contains(request.substr(0, 100), "comp=blocklist")) return error_answer("400 Bad", "InvalidBlockList");
    return created();
  });
  const auto backend = make_azure_backend(options_for(server));
  CHECK(code_of(put(*backend, kMiB, {.if_absent = true})) == "precondition_failed");
  CHECK(code_of(put(*backend, kMiB)) == "unavailable");
  exists = false;
  CHECK(code_of(put(*backend, kMiB, {.if_absent = true})) == "unavailable");
  // An answer that got lost says nothing about whose blob it is.
  exists = true;
  lost = true;
  CHECK(code_of(put(*backend, kMiB, {.if_absent = true})) == "unavailable");
  CHECK(code_of(put(*backend, 3, {.if_absent = true})) == "unavailable");
}

TEST_CASE("listings are read with care") {
  std::string body;
  ScriptedServer server([&](const std::string&) { return http_answer("200 OK", body); });
  const auto backend = make_azure_backend(options_for(server));
  body = page(blob("a") + blob("folder", "<Metadata><hdi_isfolder>true</hdi_isfolder></Metadata>") + blob("x/") +
              blob("z&amp;%41") +
              "<Blob><Name Encoded=\"true\">z%26%42</Name><Properties><Content-Length>1"
              "</Content-Length><Last-Modified>Fri, 26 Jun 2015 23:39:12 GMT</Last-Modified></Properties></Blob>");
  CHECK(keys(*backend).value() == std::vector<std::string>{"a", "z&%41", "z&B"});
  body = page(blob("b") + blob("a"));
  CHECK(code_of(keys(*backend)) == "unsupported");
  body = page(blob("a"), "again");
  CHECK(code_of(keys(*backend)) == "unsupported");  // the same page again, so not in order
  body = page("", "again");
  CHECK(code_of(keys(*backend)) == "unavailable");
  for (const std::string& damaged :
       {std::string("<EnumerationResults/>"), page("<Blob><Name>a</Name></Blob>"), page(blob("")), std::string("{}"),
        page("<Blob><Name>a</Name><Properties><Content-Length>-1</Content-Length><Last-Modified>Fri, 26 Jun 2015 "
             "23:39:12 GMT</Last-Modified></Properties></Blob>")}) {
    INFO(damaged);
    body = damaged;
    CHECK(code_of(keys(*backend)) == "unavailable");
  }
  body =
      page(blob("a", "<Metadata><LitestreamTimestamp>2021-02-03T04:05:06.789123456Z</LitestreamTimestamp></Metadata>"));
  CHECK(azure::parse_listing(body)->blobs.at(0).modified_at == parse_rfc3339("2021-02-03T04:05:06.789Z").value());
}

TEST_CASE("a listing begins in the middle where the store can, and is right where it cannot") {
  const auto how =
      GENERATE(Shelf::StartFrom::unknown, Shelf::StartFrom::refused, Shelf::StartFrom::right, Shelf::StartFrom::wrong);
  const Shelf shelf(how);
  ScriptedServer server([&](const std::string& request) { return shelf.answer(request); });
  const auto backend = make_azure_backend(options_for(server));
  const auto requests_for = [&](std::size_t after) {
    const std::size_t before = server.requests().size();
    std::vector<std::string> wanted;
    for (std::size_t i = after + 1; i < 30; ++i) wanted.push_back(Shelf::name_of(i));
    CHECK(keys(*backend, Shelf::name_of(after)).value() == wanted);
    return server.requests().size() - before;
  };
  CHECK(requests_for(1) == 10);   // of no use on the first page
  CHECK(requests_for(20) == 11);  // finds out
  CHECK(requests_for(20) == (how == Shelf::StartFrom::right ? 5 : 10));
  CHECK(requests_for(27) == (how == Shelf::StartFrom::right ? 2 : 10));
}

TEST_CASE("a SAS token is sent in the query and shown nowhere") {
  ScriptedServer server([](const std::string&) { return error_answer("403 Forbidden", "AuthorizationFailure"); });
  auto options = options_for(server);
  options.sas_token = "?sv=1&sig=hush%2F";
  const auto backend = make_azure_backend(options);
  const auto error = put(*backend).error();
  CHECK_FALSE(contains(error.message + error.hint, "hush"));
  CHECK(server.requests().at(0).starts_with("PUT /a/c/k?sv=1&sig=hush%2F HTTP/"));
  CHECK_FALSE(contains(server.requests().at(0), "Authorization"));
  CHECK_FALSE(keys(*backend));
  CHECK(contains(server.requests().at(1), "&maxresults=1000&sv=1&sig=hush%2F HTTP/"));
}

TEST_CASE("what cannot be a store is said at the first call") {
  const auto refusal = [](const AzureOptions& options) { return put(*make_azure_backend(options)).error().message; };
  CHECK(refusal({.container = "c"}) == "put k: account name required when endpoint not specified");
  CHECK(refusal({.container = "c", .endpoint = "ftp://x"}) == "put k: the endpoint is not an http or https URL");
  CHECK(refusal({.container = "c", .endpoint = "http://127.0.0.1:1", .account_key = "AAAA"}) ==
        "put k: account name required with an account key");
  CHECK(refusal({.account = "a", .container = "c", .endpoint = "http://127.0.0.1:1", .account_key = "no base64"}) ==
        "put k: the account key is not in base64");
}
