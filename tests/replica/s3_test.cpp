// The S3 backend against a server that checks what it is sent.
#include "replica/backends/s3.hpp"

#include <fstream>

#include "backend/parts.hpp"
#include "backend/s3/bucket.hpp"
#include "replica/conformance.hpp"
#include "s3_fixture.hpp"
#include "support/catch.hpp"

using namespace replica;
using s3_fixture::Gateway;

namespace {

template <class T>
std::string error_of(const Result<T>& result) {
  return result ? "none" : std::string(name(result.error().code)) + ": " + result.error().message;
}

template <class T>
std::string code_of(const Result<T>& result) {
  return result ? "none" : std::string(name(result.error().code));
}

std::vector<std::byte> data_of(std::size_t size) {
  std::vector<std::byte> out(size);
  std::uint32_t state = 1;
  for (std::byte& b : out) b = static_cast<std::byte>((state = state * 1664525U + 1013904223U) >> 24U);
  return out;
}

Result<ObjectInfo> put(Backend& backend, std::string_view key, Bytes data, const PutOptions& options = {},
                       const Call& call = {}) {
  MemorySource body(data);
  return backend.put(key, body, options, call);
}

Result<std::vector<std::byte>> get(Backend& backend, std::string_view key) {
  MemorySink out;
  if (auto got = backend.get(key, {}, out, {}); !got) return pass(got);
  return out.take();
}

std::size_t count(Backend& backend) {
  std::size_t seen = 0;
  REQUIRE(backend.list("", "", [&](const ObjectInfo&) { return ++seen > 0; }, {}));
  return seen;
}

}  // namespace

TEST_CASE("S3 passes the exam") {
  if (!s3_fixture::installed()) return;
  const Gateway gateway;
  auto options = gateway.options();
  const auto [prefix, md5] = GENERATE(table<std::string, bool>({{"", false}, {"some/where/", true}}));
  options.prefix = prefix;
  options.content_md5 = md5;
  const auto backend = make_s3_backend(options);
  for (const ConformanceCase& one : conformance_cases()) {
    INFO(one.name);
    CHECK(error_of(one.run(*backend, "exam/some prefix", {})) == "none");
  }
  CHECK(count(*backend) == 0);
}

TEST_CASE("wrong keys, a wrong clock and a wrong region are refused with a hint") {
  if (!s3_fixture::installed()) return;
  const Gateway gateway;
  auto options = gateway.options();
  std::string hint;
  std::unique_ptr<Clock> clock;
  SECTION("secret") {
    options.secret_access_key = "other-secret";
    hint = "check access-key-id and secret-access-key";
  }
  SECTION("key") {
    options.access_key_id = "nobody";
    hint = "check access-key-id and secret-access-key";
  }
  SECTION("clock") {
    clock = std::make_unique<s3_fixture::ShiftedClock>(std::chrono::minutes(-20));
    options.clock = clock.get();
    hint = "set the clock of this machine";
  }
  SECTION("region") {
    options.region = "eu-central-1";
    hint = "the bucket is in the region us-east-1";
  }
  const auto backend = make_s3_backend(options);
  const auto seen = [](const ObjectInfo&) { return true; };
  MemorySink out;
  std::vector<Error> errors;
  errors.push_back(put(*backend, "k", data_of(10)).error());
  errors.push_back(backend->get("k", {}, out, {}).error());
  errors.push_back(backend->stat("k", {}).error());
  errors.push_back(backend->list("", "", seen, {}).error());
  errors.push_back(backend->remove("k", {}).error());
  for (const Error& error : errors) {
    INFO(error.message);
    CHECK(error.code == Errc::permission_denied);
    CHECK(error.hint == hint);
    for (const std::string& secret : {options.secret_access_key, std::string("Signature=")})
      CHECK(error.message.find(secret) == std::string::npos);
  }
}

TEST_CASE("a missing bucket is no empty store") {
  if (!s3_fixture::installed()) return;
  const Gateway gateway;
  auto options = gateway.options();
  options.bucket = "other";
  const auto backend = make_s3_backend(options);
  MemorySink out;
  CHECK(code_of(backend->stat("k", {})) == "invalid_argument");
  CHECK(code_of(backend->get("k", {}, out, {})) == "invalid_argument");
  CHECK(code_of(backend->list("", "", [](const ObjectInfo&) { return true; }, {})) == "invalid_argument");
  CHECK(backend->remove("k", {}).error().hint == "create the bucket, or correct its name");
}

TEST_CASE("the time of an object is kept in its metadata") {
  if (!s3_fixture::installed()) return;
  const Gateway gateway;
  const auto backend = gateway.backend();
  const Timestamp time = parse_rfc3339("2021-02-03T04:05:06.789Z").value();
  for (const std::size_t size : {std::size_t{10}, std::size_t{6} << 20U}) {
    REQUIRE(put(*backend, "k", data_of(size), {.modified_at = time}));
    CHECK(backend->stat("k", {}).value().modified_at == time);
  }
}

TEST_CASE("large bodies go up in parts") {
  if (!s3_fixture::installed()) return;
  const Gateway gateway;
  auto options = gateway.options();
  options.concurrency = GENERATE(1, 3, 8);
  const auto backend = make_s3_backend(options);
  const auto data = data_of((std::size_t{17} << 20U) + 1);
  REQUIRE(put(*backend, "large", data));
  CHECK(get(*backend, "large").value() == data);
  // Of a store that keeps parts their number is told.
  auto etag = s3::Bucket(options).send({.method = "HEAD", .key = "large"}, "stat", {});
  CHECK(std::string(etag.value().header("etag")).find("-4") != std::string::npos);
}

TEST_CASE("an upload that fails is aborted") {
  if (!s3_fixture::installed()) return;
  const Gateway gateway;
  const auto backend = gateway.backend();
  const auto data = data_of(std::size_t{12} << 20U);

  class Odd final : public Source {
   public:
    Odd(Bytes bytes, std::uint64_t says, std::stop_source* stop) : inner_(bytes), says_(says), stop_(stop) {}
    Result<std::size_t> read(MutableBytes out) override {
      if (stop_ != nullptr) stop_->request_stop();
      return inner_.read(out);
    }
    std::uint64_t size() const override { return says_; }
    Result<void> rewind() override { return inner_.rewind(); }

   private:
    MemorySource inner_;
    std::uint64_t says_;
    std::stop_source* stop_;
  };
  std::stop_source stop;
  Odd longer(data, data.size() - 1, nullptr), shorter(data, data.size() + 1, nullptr),
      stopped(data, data.size(), &stop);
  CHECK(error_of(backend->put("k", longer, {}, {})) == "corrupt: put k: body has more than 12582911 bytes");
  CHECK(error_of(backend->put("k", shorter, {}, {})) == "corrupt: put k: body has less than 12582913 bytes");
  CHECK(code_of(backend->put("k", stopped, {}, {.stop = stop.get_token(), .deadline = {}})) == "cancelled");
  REQUIRE(put(*backend, "taken", data_of(1)));
  MemorySource body(data);
  CHECK(code_of(backend->put("taken", body, {.if_absent = true}, {})) == "precondition_failed");
  CHECK(count(*backend) == 1);
  auto uploads = s3::Bucket(gateway.options()).send({.query = {{"uploads", ""}}}, "list uploads", {});
  CHECK(uploads.value().body.find("<UploadId>") == std::string::npos);
}

TEST_CASE("parts are as many as a store takes") {
  CHECK(backend::part_size_for(0, 5, 10'000) == 5);
  CHECK(backend::part_size_for(50'000, 5, 10'000) == 5);
  CHECK(backend::part_size_for(50'001, 5, 10'000) == 6);
  CHECK(backend::part_size_for(~std::uint64_t{0}, 5, 10'000) == ~std::uint64_t{0} / 10'000 + 1);
}

TEST_CASE("a body that was changed on its way is not stored") {
  if (!s3_fixture::installed()) return;
  const Gateway gateway;
  s3::Bucket bucket(gateway.options());
  const auto sent = data_of(1000);
  MemorySource body(sent);
  s3::Operation operation{.method = "PUT", .key = "k", .body = &body};
  operation.payload_hash = std::string(64, 'a');
  CHECK(code_of(bucket.send(operation, "put k", {})) == "unavailable");
  auto request = bucket.prepare({.method = "DELETE", .key = "a"}, {});
  request->url.back() = 'b';
  CHECK(bucket.client().send(*request, {})->status == 403);
  CHECK(count(*gateway.backend()) == 0);
}

TEST_CASE("a store that comes back is used again") {
  if (!s3_fixture::installed()) return;
  Gateway gateway;
  const auto once = gateway.backend();
  const auto patient = make_retrying_backend(
      once, {.attempts = 2, .wait = [&](std::chrono::milliseconds, const Call&) { gateway.server().start(); }});
  REQUIRE(put(*once, "before", data_of(10)));
  gateway.server().stop();
  CHECK(code_of(put(*once, "during", data_of(10))) == "unavailable");
  CHECK(code_of(once->stat("before", {})) == "unavailable");
  CHECK(error_of(put(*patient, "after", data_of(10))) == "none");
  CHECK(count(*once) == 2);
}

TEST_CASE("other objects of the bucket are neither listed nor touched") {
  if (!s3_fixture::installed()) return;
  const Gateway gateway;
  auto options = gateway.options();
  options.prefix = "db/";
  const auto all = gateway.backend(), below = std::shared_ptr<Backend>(make_s3_backend(options));
  for (const std::string_view key : {"dbx", "db2/x", "db/x", "da"}) REQUIRE(put(*all, key, data_of(1)));
  std::vector<std::string> keys;
  REQUIRE(below->list("", "", [&](const ObjectInfo& o) { return keys.push_back(o.key), true; }, {}));
  CHECK(keys == std::vector<std::string>{"x"});
  REQUIRE(below->remove("x", {}));
  CHECK(count(*all) == 3);
}
