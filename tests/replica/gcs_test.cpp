// The Google Cloud Storage backend against fake-gcs-server.
#include "gcs_fixture.hpp"
#include "replica/conformance.hpp"
#include "support/catch.hpp"

using namespace replica;
using gcs_fixture::Store;

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

std::vector<ObjectInfo> all(Backend& backend, std::string_view prefix = "", std::string_view after = "") {
  std::vector<ObjectInfo> out;
  const auto listed = backend.list(prefix, after, [&](const ObjectInfo& o) { return out.push_back(o), true; }, {});
  INFO(error_of(listed));
  REQUIRE(listed);
  return out;
}

}  // namespace

TEST_CASE("Google Cloud Storage passes the exam") {
  if (!gcs_fixture::installed()) return;
  const Store store;
  auto options = store.options();
  const auto [prefix, part] = GENERATE(table<std::string, std::uint64_t>({{"", 8U << 20U}, {"some/where/", 1}}));
  options.prefix = prefix;
  options.part_size = part;
  const auto backend = make_gcs_backend(options);
  for (const ConformanceCase& one : conformance_cases()) {
    INFO(one.name);
    CHECK(error_of(one.run(*backend, "exam/some prefix", {})) == "none");
  }
  CHECK(all(*backend).empty());
}

TEST_CASE("the emulator of the environment is used without credentials") {
  if (!gcs_fixture::installed()) return;
  const Store store;
  auto options = store.options();
  options.endpoint.clear();
  options.anonymous = false;
  options.environment = [&](std::string_view name) -> std::optional<std::string> {
    if (name != "STORAGE_EMULATOR_HOST") return std::nullopt;
    return store.endpoint().substr(7);
  };
  const auto backend = make_gcs_backend(options);
  REQUIRE(error_of(put(*backend, "k", data_of(10))) == "none");
  CHECK(get(*backend, "k").value() == data_of(10));
}

TEST_CASE("a missing bucket is no empty store") {
  if (!gcs_fixture::installed()) return;
  const Store store;
  auto options = store.options();
  options.bucket = "other";
  const auto backend = make_gcs_backend(options);
  MemorySink out;
  const auto seen = [](const ObjectInfo&) { return true; };
  CHECK(code_of(backend->stat("k", {})) == "invalid_argument");
  CHECK(code_of(backend->get("k", {}, out, {})) == "invalid_argument");
  CHECK(code_of(backend->list("", "", seen, {})) == "invalid_argument");
  CHECK(code_of(put(*backend, "k", data_of(10))) == "invalid_argument");
  CHECK(code_of(put(*backend, "k", data_of(std::size_t{2} << 20U))) == "invalid_argument");
  CHECK(backend->remove("k", {}).error().hint == "create the bucket, or correct its name");
}

TEST_CASE("times are kept to the nanosecond, and listed") {
  if (!gcs_fixture::installed()) return;
  const Store store;
  const auto backend = make_gcs_backend(store.options());
  const Timestamp time = parse_rfc3339("2021-02-03T04:05:06.789123456Z").value();
  for (const std::size_t size : {std::size_t{10}, std::size_t{2} << 20U}) {
    const auto stored = put(*backend, "k", data_of(size), {.modified_at = time});
    REQUIRE(error_of(stored) == "none");
    CHECK(stored->modified_at == time);
    CHECK(backend->stat("k", {}).value().modified_at == time);
    CHECK(all(*backend).at(0).modified_at == time);
  }
}

TEST_CASE("large bodies arrive in pieces, of any size") {
  if (!gcs_fixture::installed()) return;
  const Store store;
  const auto backend = make_gcs_backend(store.options());
  const std::size_t mib = std::size_t{1} << 20U;
  for (const std::size_t size : {mib, mib + 1, 3 * mib, 3 * mib + 17}) {
    const auto data = data_of(size);
    REQUIRE(error_of(put(*backend, "large", data)) == "none");
    CHECK(get(*backend, "large").value() == data);
  }
}

TEST_CASE("a large body that fails leaves nothing") {
  if (!gcs_fixture::installed()) return;
  const Store store;
  const auto backend = make_gcs_backend(store.options());
  const auto data = data_of(std::size_t{3} << 20U);

  class Odd final : public Source {
   public:
    Odd(Bytes bytes, std::uint64_t says, std::stop_source* stop) : inner_(bytes), says_(says), stop_(stop) {}
    Result<std::size_t> read(MutableBytes out) override {
      if (stop_ != nullptr && ++reads_ == 2) stop_->request_stop();
      return inner_.read(out);
    }
    std::uint64_t size() const override { return says_; }
    Result<void> rewind() override { return inner_.rewind(); }

   private:
    MemorySource inner_;
    std::uint64_t says_;
    std::stop_source* stop_;
    int reads_ = 0;
  };
  std::stop_source stop;
  Odd longer(data, data.size() - 1, nullptr), shorter(data, data.size() + 1, nullptr),
      stopped(data, data.size(), &stop);
  CHECK(error_of(backend->put("k", longer, {}, {})) == "corrupt: put k: body has more than 3145727 bytes");
  CHECK(error_of(backend->put("k", shorter, {}, {})) == "corrupt: put k: body has less than 3145729 bytes");
  CHECK(code_of(backend->put("k", stopped, {}, {.stop = stop.get_token(), .deadline = {}})) == "cancelled");
  const auto small = data_of(100);
  Odd small_longer(small, 99, nullptr), small_shorter(small, 101, nullptr);
  CHECK(error_of(backend->put("k", small_longer, {}, {})) == "corrupt: put k: read body: body has more than 99 bytes");
  CHECK(code_of(backend->put("k", small_shorter, {}, {})) == "corrupt");
  CHECK(all(*backend).empty());
  REQUIRE(put(*backend, "taken", data_of(1)));
  MemorySource body(data);
  CHECK(code_of(backend->put("taken", body, {.if_absent = true}, {})) == "precondition_failed");
  CHECK(get(*backend, "taken").value() == data_of(1));
}

TEST_CASE("a listing begins behind any key") {
  if (!gcs_fixture::installed()) return;
  const Store store;
  auto options = store.options();
  options.prefix = "db/";
  const auto backend = make_gcs_backend(options);
  const std::vector<std::string> keys = {"ltx/0/0000000000000001-0000000000000001.ltx",
                                         "ltx/0/0000000000000002-0000000000000004.ltx",
                                         "ltx/0/0000000000000005-0000000000000005.ltx"};
  for (const std::string& key : keys) REQUIRE(put(*backend, key, data_of(1)));
  CHECK(all(*backend, "ltx/0/").size() == 3);
  CHECK(all(*backend, "ltx/0/", keys[0]).at(0).key == keys[1]);
  // In the middle of what a file covers, where the peer finds nothing.
  CHECK(all(*backend, "ltx/0/", "ltx/0/0000000000000003").at(0).key == keys[2]);
  CHECK(all(*backend, "ltx/0/", keys[2]).empty());
}

TEST_CASE("keys that are no UTF-8 are refused") {
  const auto backend = make_gcs_backend({.bucket = "b", .endpoint = "http://127.0.0.1:1", .anonymous = true});
  for (const char* key : {"\xff", "a\xc3", "\xc0\xaf", "a\xe2\x82", "\xf5\x80\x80\x80", "\x80"})
    CHECK(code_of(put(*backend, key, data_of(1))) == "invalid_argument");
  for (const char* key : {"\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x98\x80", "a"})
    CHECK(code_of(put(*backend, key, data_of(1))) == "unavailable");
}

TEST_CASE("an outage is told as such, and passes") {
  if (!gcs_fixture::installed()) return;
  Store store;
  const auto backend = make_gcs_backend(store.options());
  REQUIRE(put(*backend, "k", data_of(1)));
  store.server().stop();
  CHECK(code_of(put(*backend, "k", data_of(1))) == "unavailable");
  CHECK(code_of(backend->stat("k", {})) == "unavailable");
  store.server().start();
  store.make_bucket();
  CHECK(code_of(put(*backend, "k", data_of(1))) == "none");
}
