// The OSS backend against a server that checks what it is sent, and against answers of bad days.
#include "oss_server.hpp"

#include "backend/oss/bucket.hpp"
#include "exam.hpp"
#include "support/scripted_server.hpp"

using namespace replica;
using namespace servers;
using support::http_answer;
using support::ScriptedServer;

namespace {

constexpr std::size_t kMiB = std::size_t{1} << 20U;

class ShiftedClock final : public Clock {
 public:
  explicit ShiftedClock(std::chrono::minutes by) : by_(by) {}
  Timestamp now() const override { return SystemClock().now() + by_; }
  Steady steady() const override { return SystemClock().steady(); }

 private:
  std::chrono::minutes by_;
};

template <class T>
std::string code_of(const Result<T>& result) {
  return result ? "none" : std::string(name(result.error().code));
}

Result<ObjectInfo> put(Backend& backend, std::string_view key, Bytes data, const PutOptions& options = {}) {
  MemorySource body(data);
  return backend.put(key, body, options, {});
}

Result<std::vector<std::byte>> get(Backend& backend, std::string_view key) {
  MemorySink out;
  if (auto got = backend.get(key, {}, out, {}); !got) return pass(got);
  return out.take();
}

std::size_t count(Backend& backend) {
  std::size_t seen = 0;
  REQUIRE(error_of(backend.list("", "", [&](const ObjectInfo&) { return ++seen > 0; }, {})) == "none");
  return seen;
}

std::vector<Error> refusals(Backend& backend) {
  MemorySink out;
  std::vector<Error> errors;
  errors.push_back(put(backend, "k", some_bytes(10)).error());
  errors.push_back(put(backend, "k", some_bytes(6 * kMiB)).error());
  errors.push_back(backend.get("k", {}, out, {}).error());
  errors.push_back(backend.stat("k", {}).error());
  errors.push_back(backend.list("", "", [](const ObjectInfo&) { return true; }, {}).error());
  errors.push_back(backend.remove("k", {}).error());
  return errors;
}

}  // namespace

TEST_CASE("OSS passes the exam") {
  std::string token;
  OssSignature signature = OssSignature::v4;
  SECTION("version 4") {}
  SECTION("version 1") { signature = OssSignature::v1; }
  SECTION("a token of STS") { token = "sts/token+"; }
  const Oss oss(token);
  auto options = oss.options();
  options.signature = signature;
  options.prefix = "some/where/";
  const auto backend = make_oss_backend(options);
  sit_exam(*backend);
  CHECK(count(*oss.backend()) == 0);
}

TEST_CASE("wrong credentials, a wrong clock and a wrong region are refused by OSS with a hint") {
  const Oss oss;
  auto options = oss.options();
  options.signature = GENERATE(OssSignature::v4, OssSignature::v1);
  const ShiftedClock late(std::chrono::minutes(-20));
  std::string hint = "check access-key-id and secret-access-key";
  SECTION("secret") { options.secret_access_key = "other-secret"; }
  SECTION("key") { options.access_key_id = "nobody"; }
  SECTION("token") {
    options.session_token = "over";
    hint = "the security token is over; renew the credentials";
  }
  SECTION("clock") {
    options.clock = &late;
    hint = "set the clock of this machine";
  }
  SECTION("region") {
    if (options.signature == OssSignature::v1) return;  // it does not sign the region
    options.region = "cn-beijing";
  }
  SECTION("none") {
    options.access_key_id = options.secret_access_key = "";
    options.environment = [](std::string_view name) -> std::optional<std::string> {
      return name == "ALIBABA_CLOUD_ECS_METADATA_DISABLED" ? std::optional<std::string>("true") : std::nullopt;
    };
    hint =
        "set access-key-id and secret-access-key, or OSS_ACCESS_KEY_ID and OSS_ACCESS_KEY_SECRET, or give the instance "
        "a RAM role";
  }
  for (const Error& error : refusals(*make_oss_backend(options))) {
    INFO(error.message);
    CHECK(error.code == Errc::permission_denied);
    CHECK(error.hint == hint);
    CHECK(error.message.find("other-secret") == std::string::npos);
  }
}

TEST_CASE("OSS takes keys from the environment") {
  const Oss oss("t");
  auto options = oss.options();
  options.access_key_id = options.secret_access_key = options.session_token = "";
  options.environment = [](std::string_view name) -> std::optional<std::string> {
    if (name == "OSS_ACCESS_KEY_ID") return "ak";
    if (name == "OSS_ACCESS_KEY_SECRET") return "sk";
    return name == "OSS_SESSION_TOKEN" ? std::optional<std::string>("t") : std::nullopt;
  };
  CHECK(error_of(put(*make_oss_backend(options), "k", some_bytes(3))) == "none");
}

TEST_CASE("a missing bucket of OSS is no empty store") {
  const Oss oss;
  auto options = oss.options();
  options.bucket = "other";
  for (const Error& error : refusals(*make_oss_backend(options))) {
    INFO(error.message);
    CHECK(error.code == Errc::invalid_argument);
    CHECK(error.hint == "create the bucket, or correct its name");
  }
}

TEST_CASE("OSS keeps the time of an object, and large bodies go up in parts") {
  const Oss oss;
  auto options = oss.options();
  options.part_size = kMiB;
  options.concurrency = GENERATE(1, 5);
  const auto backend = make_oss_backend(options);
  const Timestamp time = parse_rfc3339("2021-02-03T04:05:06.789Z").value();
  for (const std::size_t size : {std::size_t{10}, 5 * kMiB + 1}) {
    const auto data = some_bytes(size);
    REQUIRE(error_of(put(*backend, "k", data, {.modified_at = time})) == "none");
    CHECK(get(*backend, "k").value() == data);
    CHECK(backend->stat("k", {}).value().modified_at == time);
  }
}

TEST_CASE("an object of OSS that exists is not replaced on condition") {
  const Oss oss;
  const auto backend = oss.backend();
  CHECK(backend->capabilities().conditional_put);
  const auto small = some_bytes(10), large = some_bytes(6 * kMiB);
  for (const auto& first : {small, large}) {
    REQUIRE(error_of(put(*backend, "k", first, {.if_absent = true})) == "none");
    for (const auto& second : {small, large})
      CHECK(error_of(put(*backend, "k", second, {.if_absent = true})) ==
            "precondition_failed: object k exists already");
    CHECK(get(*backend, "k").value() == first);
    REQUIRE(backend->remove("k", {}));
  }
  CHECK(count(*backend) == 0);
}

TEST_CASE("a request or body that was changed on its way is refused by OSS") {
  const Oss oss;
  oss::Bucket bucket(oss.options());
  const auto data = some_bytes(1000);
  MemorySource body(data);
  s3::Operation operation{.method = "PUT", .key = "k", .headers = {{"Content-MD5", "1B2M2Y8AsgTpgAmY7PhCfg=="}}};
  operation.body = &body;
  CHECK(code_of(bucket.send(operation, "put k", {})) == "unavailable");
  const auto status = [&](const std::function<void(http::Request&)>& change) {
    auto request = bucket.prepare({.method = "DELETE", .key = "a"}, {});
    change(*request);
    return bucket.client().send(*request, {})->status;
  };
  CHECK(status([](http::Request& r) { r.url.back() = 'b'; }) == 403);
  CHECK(status([](http::Request& r) { r.url += "?uploadId=x"; }) == 403);
  CHECK(status([](http::Request& r) { r.headers.push_back({.name = "x-oss-more", .value = "x"}); }) == 403);
  CHECK(count(*oss.backend()) == 0);
}

TEST_CASE("an OSS store that comes back is used again") {
  Oss oss;
  const auto once = oss.backend();
  const auto patient = make_retrying_backend(
      once, {.attempts = 2, .wait = [&](std::chrono::milliseconds, const Call&) { oss.server().start(); }});
  oss.server().stop();
  CHECK(code_of(put(*once, "during", some_bytes(10))) == "unavailable");
  CHECK(code_of(once->stat("before", {})) == "unavailable");
  CHECK(error_of(put(*patient, "after", some_bytes(10))) == "none");
}

TEST_CASE("errors of OSS have codes") {
  struct Row {
    const char *status, *code;
    Errc errc;
  };
  const auto row = GENERATE(values<Row>({{"503 Busy", "QpsLimitExceeded", Errc::busy},
                                         {"503 Busy", "UploadTrafficRateLimitExceeded", Errc::busy},
                                         {"500 Oh", "InternalError", Errc::unavailable},
                                         {"400 Bad Request", "RequestTimeout", Errc::timed_out},
                                         {"403 Forbidden", "SecurityTokenExpired", Errc::permission_denied},
                                         {"403 Forbidden", "InvalidObjectState", Errc::invalid_argument},
                                         {"409 Conflict", "FileImmutable", Errc::permission_denied},
                                         {"404 Not Found", "NoSuchThing", Errc::invalid_argument},
                                         {"301 Moved", "Whatever", Errc::invalid_argument}}));
  INFO(row.code);
  ScriptedServer server([&](const std::string&) {
    return http_answer(row.status, "<Error><Code>" + std::string(row.code) + "</Code><Message>why</Message></Error>");
  });
  const auto backend =
      make_oss_backend({.bucket = "b", .endpoint = server.url(), .access_key_id = "AK", .secret_access_key = "SK"});
  const auto error = put(*backend, "k", some_bytes(3)).error();
  CHECK(error.code == row.errc);
  CHECK(error.message.starts_with("put k: " + std::string(row.code) + ": why"));
  CHECK(code_of(backend->stat("k", {})) == name(row.errc));
}

TEST_CASE("a silent OSS store is given up, and one that is none is no empty one") {
  const auto backend_at = [](const ScriptedServer& server, std::chrono::milliseconds patience) {
    return make_oss_backend({.bucket = "b",
                             .endpoint = server.url(),
                             .access_key_id = "AK",
                             .secret_access_key = "SK",
                             .progress_timeout = patience});
  };
  ScriptedServer silent([](const std::string&) { return ScriptedServer::kSilence; });
  for (const Error& error : refusals(*backend_at(silent, ScriptedServer::kBrief))) CHECK(error.code == Errc::timed_out);
  ScriptedServer other([](const std::string&) { return http_answer("200 OK", "<html>log in</html>"); });
  const auto backend = backend_at(other, std::chrono::seconds(30));
  CHECK(code_of(backend->list("", "", [](const ObjectInfo&) { return true; }, {})) == "unavailable");
  CHECK(code_of(put(*backend, "k", some_bytes(3))) == "unavailable");
}
