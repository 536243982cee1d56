// The Google Cloud Storage backend against answers that a good store never gives, and some that it does on a bad day.
#include "backend/gcs/answers.hpp"
#include "replica/backends/gcs.hpp"
#include "support/catch.hpp"
#include "support/scripted_server.hpp"

using namespace replica;
using support::http_answer;
using support::ScriptedServer;

namespace {

constexpr std::size_t kUnit = std::size_t{256} << 10U;

template <class T>
std::string error_of(const Result<T>& result) {
  return result ? "none" : std::string(name(result.error().code)) + ": " + result.error().message;
}

template <class T>
std::string code_of(const Result<T>& result) {
  return result ? "none" : std::string(name(result.error().code));
}

std::unique_ptr<Backend> backend_at(const ScriptedServer& server,
                                    std::chrono::milliseconds patience = std::chrono::seconds(30)) {
  return make_gcs_backend(
      {.bucket = "b", .endpoint = server.url(), .anonymous = true, .part_size = kUnit, .progress_timeout = patience});
}

std::string refusal(const std::string& status, const std::string& reason, const std::string& more = "") {
  return http_answer(status, R"({"error":{"code":1,"message":"why","errors":[{"reason":")" + reason + "\"}]}}", more);
}

std::string object(const std::string& key, std::uint64_t size) {
  return R"({"name":")" + key + R"(","size":")" + std::to_string(size) + R"(","timeCreated":"2026-01-01T00:00:00Z"})";
}

std::string listing(const std::vector<std::string>& names, const std::string& next = "") {
  std::string out = R"({"kind":"storage#objects","items":[)";
  for (const std::string& key : names) out += (out.ends_with('[') ? "" : ",") + object(key, 1);
  return http_answer("200 OK", out + "]" + (next.empty() ? "" : R"(,"nextPageToken":")" + next + "\"") + "}");
}

Result<ObjectInfo> put(Backend& backend, std::size_t size = 3, const PutOptions& options = {}) {
  std::vector<std::byte> data(size);
  for (std::size_t i = 0; i < size; ++i) data[i] = static_cast<std::byte>(i / 1000);
  MemorySource body(data);
  return backend.put("k", body, options, {});
}

Result<std::vector<std::string>> keys(Backend& backend, std::string_view after = "") {
  std::vector<std::string> out;
  auto listed = backend.list("", after, [&](const ObjectInfo& o) { return out.push_back(o.key), true; }, {});
  if (!listed) return pass(listed);
  return out;
}

std::string header_of(const std::string& request, const std::string& name) {
  const std::size_t at = request.find("\r\n" + name + ": ");
  if (at == std::string::npos) return {};
  const std::size_t begin = at + name.size() + 4;
  return request.substr(begin, request.find("\r\n", begin) - begin);
}

// A store of resumable uploads that keeps what it takes; `disturb` may answer in its place.
class Uploads {
 public:
  using Disturb = std::function<std::optional<std::string>(const std::string& request)>;
  explicit Uploads(Disturb disturb) : disturb_(std::move(disturb)) {}

  std::string url() const { return server_.url(); }
  ScriptedServer& server() noexcept { return server_; }
  std::string stored, lines;
  std::size_t takes = ~std::size_t{0};  // at most, of each piece

 private:
  std::string answer(const std::string& request) {
    const std::string range = header_of(request, "Content-Range");
    lines += request.substr(0, request.find(' ')) + (range.empty() ? "" : " " + range) + "\n";
    if (auto other = disturb_(request)) return *other;
    if (request.starts_with("POST"))
      return http_answer("200 OK", "", "Location: " + server_.url() + "/session?upload_id=id\r\n");
    if (request.starts_with("DELETE")) return http_answer("499 Client Closed Request");
    return take(request, range);
  }
  std::string take(const std::string& request, const std::string& range) {
    const std::string body = request.substr(request.find("\r\n\r\n") + 4);
    const std::size_t total = std::stoul(range.substr(range.find('/') + 1));
    if (!body.empty()) {
      if (std::stoul(range.substr(6)) != stored.size()) return http_answer("400 Bad Request");
      stored += body.substr(0, takes);
    }
    if (stored.size() == total) return http_answer("200 OK", object("k", total));
    if (stored.empty()) return http_answer("308 Resume Incomplete");
    return http_answer("308 Resume Incomplete", "", "Range: bytes=0-" + std::to_string(stored.size() - 1) + "\r\n");
  }

  Disturb disturb_;
  ScriptedServer server_{[this](const std::string& request) { return answer(request); }};
};

std::optional<std::string> undisturbed(const std::string&) { return std::nullopt; }

std::string expected_body(std::size_t size) {
  std::string out(size, '\0');
  for (std::size_t i = 0; i < size; ++i) out[i] = static_cast<char>(i / 1000);
  return out;
}

}  // namespace

TEST_CASE("errors of Google have codes and hints") {
  struct Row {
    const char *status, *reason;
    Errc errc;
  };
  const auto row = GENERATE(values<Row>({{"503 Slow Down", "backendError", Errc::unavailable},
                                         {"503 Slow Down", "", Errc::busy},
                                         {"429 Too Many", "rateLimitExceeded", Errc::busy},
                                         {"403 Forbidden", "userRateLimitExceeded", Errc::busy},
                                         {"403 Forbidden", "forbidden", Errc::permission_denied},
                                         {"403 Forbidden", "retentionPolicyNotMet", Errc::permission_denied},
                                         {"401 Unauthorized", "required", Errc::permission_denied},
                                         {"400 Bad Request", "required", Errc::invalid_argument},
                                         {"500 Oh", "internalError", Errc::unavailable},
                                         {"408 Request Timeout", "", Errc::timed_out},
                                         {"412 Precondition Failed", "conditionNotMet", Errc::precondition_failed},
                                         {"302 Found", "", Errc::invalid_argument}}));
  ScriptedServer server([&](const std::string&) { return refusal(row.status, row.reason, "Retry-After: 3\r\n"); });
  const auto refused = put(*backend_at(server));
  REQUIRE_FALSE(refused);
  INFO(refused.error().message);
  CHECK(refused.error().code == row.errc);
  CHECK(refused.error().retry_after == std::chrono::seconds(3));
  CHECK(refused.error().message.starts_with("put k: "));
}

TEST_CASE("a page that is no answer of Google is not taken for one") {
  const std::string page = "<html><body>Please log in</body></html>";
  ScriptedServer server([&](const std::string&) { return http_answer("200 OK", page); });
  const auto backend = backend_at(server);
  CHECK(code_of(put(*backend)) == "unavailable");
  CHECK(code_of(put(*backend, 2 * kUnit)) == "unavailable");
  CHECK(code_of(keys(*backend)) == "unavailable");
  CHECK(code_of(backend->stat("k", {})) == "unavailable");
  ScriptedServer lost([&](const std::string&) { return http_answer("404 Not Found", page); });
  const auto other = backend_at(lost);
  MemorySink out;
  CHECK(code_of(other->get("k", {}, out, {})) == "invalid_argument");
  CHECK(code_of(other->remove("k", {})) == "invalid_argument");
  // Nor when what is there after a 404 is no listing.
  ScriptedServer half([&](const std::string& request) {
    return request.find("maxResults") == std::string::npos ? http_answer("404 Not Found") : http_answer("200 OK", "{}");
  });
  CHECK(code_of(backend_at(half)->stat("k", {})) == "unavailable");
  CHECK(out.data().empty());
}

TEST_CASE("a silent store is given up within the progress deadline") {
  ScriptedServer server([](const std::string&) { return std::string(ScriptedServer::kSilence); });
  const auto backend = backend_at(server, ScriptedServer::kBrief);
  MemorySink out;
  CHECK(code_of(put(*backend)) == "timed_out");
  CHECK(code_of(put(*backend, 2 * kUnit)) == "timed_out");
  CHECK(code_of(backend->get("k", {}, out, {})) == "timed_out");
  CHECK(code_of(keys(*backend)) == "timed_out");
  CHECK(code_of(backend->remove("k", {})) == "timed_out");
}

TEST_CASE("listings that are wrong are refused") {
  std::string answer;
  ScriptedServer server([&](const std::string&) { return answer; });
  const auto backend = backend_at(server);
  answer = listing({"b", "a"});
  CHECK(code_of(keys(*backend)) == "unsupported");
  answer = listing({"a"}, "again");
  CHECK(code_of(keys(*backend)) != "none");
  answer = http_answer("200 OK", R"({"kind":"storage#objects","items":[{"name":"a"}]})");
  CHECK(code_of(keys(*backend)) == "unavailable");
  answer = listing({"a", "b/", "c", "d"});  // "b/" is what consoles make for a folder
  CHECK(keys(*backend, "a").value() == std::vector<std::string>{"c", "d"});
}

TEST_CASE("a store that knows no ranges is found out, a body that ends early too") {
  std::string answer = http_answer("200 OK", "abc");
  ScriptedServer server([&](const std::string& request) {
    return request.find("alt=media") == std::string::npos ? http_answer("200 OK", object("k", 3)) : answer;
  });
  MemorySink out;
  CHECK(error_of(backend_at(server)->get("k", {.offset = 1, .length = 1}, out, {})) ==
        "unsupported: get k: the store gives other bytes than were asked for");
  answer = http_answer("206 Partial", "b", "Content-Range: bytes 1-2/3\r\n");
  CHECK(error_of(backend_at(server)->get("k", {.offset = 1}, out, {})) ==
        "unavailable: get k: the body ends after 1 bytes");
}

TEST_CASE("a large body is sent in pieces") {
  Uploads uploads(undisturbed);
  REQUIRE(error_of(put(*backend_at(uploads.server()), 2 * kUnit + 5, {.if_absent = true})) == "none");
  CHECK(uploads.stored == expected_body(2 * kUnit + 5));
  CHECK(uploads.lines ==
        "POST\nPUT bytes 0-262143/524293\nPUT bytes 262144-524287/524293\nPUT bytes 524288-524292/524293\n");
  const std::string begin = uploads.server().requests().at(0);
  CHECK(
      begin.starts_with("POST /upload/storage/v1/b/b/o?uploadType=resumable&name=k&ifGenerationMatch=0 HTTP/1.1\r\n"));
  CHECK(header_of(begin, "X-Upload-Content-Length") == "524293");
}

TEST_CASE("what the store did not take of a piece is sent again") {
  Uploads uploads(undisturbed);
  uploads.takes = kUnit - 1000;
  REQUIRE(error_of(put(*backend_at(uploads.server()), 3 * kUnit)) == "none");
  CHECK(uploads.stored == expected_body(3 * kUnit));
  Uploads stuck(undisturbed);
  stuck.takes = 0;
  CHECK(error_of(put(*backend_at(stuck.server()), 3 * kUnit)) ==
        "unavailable: put k: the store takes no more of the upload");
  CHECK(stuck.lines.ends_with("DELETE\n"));
}

TEST_CASE("an upload goes on where it was interrupted, but not for ever") {
  int failures = GENERATE(1, 2, 3);
  const bool lives = failures < 3;
  Uploads uploads([&](const std::string& request) -> std::optional<std::string> {
    const bool second = header_of(request, "Content-Range").starts_with("bytes 262144-");
    if (!second || failures-- <= 0) return std::nullopt;
    return refusal("503 Oh", "backendError");
  });
  const auto stored = put(*backend_at(uploads.server()), 2 * kUnit);
  CHECK(error_of(stored) == (lives ? "none" : "unavailable: put k: backendError: why (HTTP 503)"));
  CHECK(uploads.lines.find("PUT bytes */524288\n") != std::string::npos);
  if (lives) CHECK(uploads.stored == expected_body(2 * kUnit));
  if (!lives) CHECK(uploads.lines.ends_with("DELETE\n"));
}

TEST_CASE("a last piece whose answer was lost is not sent twice") {
  bool lost = false;
  Uploads* taking = nullptr;
  Uploads uploads([&](const std::string& request) -> std::optional<std::string> {
    if (lost || header_of(request, "Content-Range") != "bytes 262144-524287/524288") return std::nullopt;
    lost = true;
    taking->stored += request.substr(request.find("\r\n\r\n") + 4);
    return "HTTP/1.1 200 OK\r\nContent-Length: 10\r\nConnection: close\r\n\r\n";
  });
  taking = &uploads;
  CHECK(error_of(put(*backend_at(uploads.server()), 2 * kUnit)) == "none");
  CHECK(uploads.stored == expected_body(2 * kUnit));
  CHECK(uploads.lines.ends_with("PUT bytes */524288\n"));
}

TEST_CASE("an upload that cannot go on is given up") {
  struct Row {
    std::string answer, error;
  };
  const auto row = GENERATE(values<Row>({
      {http_answer("410 Gone"), "unavailable: put k: (HTTP 410)"},
      {http_answer("412 Precondition Failed"), "precondition_failed: object k exists already"},
      {http_answer("308 Resume", "", "Range: bytes=0-9999999\r\n"),
       "unavailable: put k: the store has lost a part of the upload"},
      {http_answer("308 Resume", "", "Range: nonsense\r\n"),
       "unavailable: put k: the store has lost a part of the upload"},
      {http_answer("503 Oh", "", "Retry-After: 9\r\n"), "busy: put k: (HTTP 503)"},
      {http_answer("200 OK", object("k", 7)), "unavailable: put k: the store has 7 bytes of 524288"},
  }));
  Uploads uploads([&](const std::string& request) -> std::optional<std::string> {
    if (!request.starts_with("PUT")) return std::nullopt;
    return row.answer;
  });
  CHECK(error_of(put(*backend_at(uploads.server()), 2 * kUnit, {.if_absent = true})) == row.error);
  CHECK(uploads.lines.ends_with("DELETE\n"));
}

TEST_CASE("JSON of any kind is survived") {
  const std::string good = R"({"kind":"storage#objects","items":[{"name":"a b","size":"18446744073709551615",)"
                           R"("timeCreated":"2026-01-01T00:00:00Z"}],"nextPageToken":"t"})";
  CHECK(gcs::parse_listing(good).value().objects.at(0).size == ~std::uint64_t{0});
  CHECK(gcs::parse_listing(good).value().next == "t");
  for (std::size_t cut = 0; cut < good.size(); ++cut) {
    CHECK_FALSE(gcs::parse_listing(std::string_view(good).substr(0, cut)));
    std::string spoilt = good;
    spoilt[cut] = '[';
    static_cast<void>(gcs::parse_listing(spoilt));
  }
  CHECK_FALSE(gcs::parse_listing(std::string(100'000, '[')));
  CHECK_FALSE(gcs::parse_object(R"({"name":"a","size":1,"timeCreated":"2026-01-01T00:00:00Z"})"));
  CHECK_FALSE(gcs::parse_object(R"({"name":"a","size":"-1","timeCreated":"2026-01-01T00:00:00Z"})"));
  CHECK(gcs::store_error({.status = 500, .headers = {}, .body = R"({"error":{"errors":[1]}})"}, "x").message ==
        "x: (HTTP 500)");
  CHECK(gcs::describe_object("a\"\\\xc3\xa9", {}) ==
        "{\"name\":\"a\\\"\\\\\xc3\xa9\",\"contentType\":\"application/octet-stream\"}");
}
