// Patience: how often, how long, and when not.
#include <algorithm>
#include <atomic>
#include <thread>

#include "replica/backend.hpp"
#include "support/catch.hpp"

using namespace replica;
using std::chrono::milliseconds;

namespace {

template <class T>
std::string error_of(const Result<T>& result) {
  return result ? "none" : std::string(name(result.error().code)) + ": " + result.error().message;
}

Bytes bytes(std::string_view text) { return std::as_bytes(std::span(text)); }

// A memory backend whose calls fail as told, and the pauses that were made.
struct Fixture {
  // The first `count` calls of `operation` fail.
  void fail_first(const std::string& operation, int count, Errc code = Errc::unavailable, bool after = false) {
    plan = [=, left = count](std::string_view called) mutable -> std::optional<Fault> {
      if (called != operation || left-- <= 0) return {};
      return Fault{.error = {.code = code, .message = "injected"}, .after = after};
    };
  }
  std::shared_ptr<Backend> memory = make_memory_backend();
  std::function<std::optional<Fault>(std::string_view)> plan = [](std::string_view) { return std::nullopt; };
  int calls = 0;
  std::vector<milliseconds> pauses;
  std::function<void()> during_pause = [] {};
  RetryOptions options{.attempts = 5,
                       .first_pause = milliseconds(100),
                       .longest_pause = milliseconds(300),
                       .wait = [this](milliseconds pause, const Call&) {
                         pauses.push_back(pause);
                         during_pause();
                       }};
  std::shared_ptr<Backend> faulty = make_faulty_backend(memory, [this](std::string_view operation, std::string_view) {
    ++calls;
    return plan(operation);
  });
  std::unique_ptr<Backend> backend = make_retrying_backend(faulty, options);

  Result<ObjectInfo> put(std::string_view text, const PutOptions& put_options = {}, const Call& call = {}) {
    MemorySource body(bytes(text));
    return backend->put("key", body, put_options, call);
  }
  std::string stored() {
    MemorySink sink;
    if (!memory->get("key", {}, sink, {})) return "nothing";
    std::string text(sink.data().size(), '\0');
    std::transform(sink.data().begin(), sink.data().end(), text.begin(),
                   [](std::byte b) { return static_cast<char>(b); });
    return text;
  }
};

// Lists no more than three objects, then loses the connection.
class LosesConnection final : public Backend {
 public:
  explicit LosesConnection(std::shared_ptr<Backend> inner) : inner_(std::move(inner)) {}
  std::string_view type() const noexcept override { return "losing"; }
  Capabilities capabilities() const noexcept override { return inner_->capabilities(); }
  Result<ObjectInfo> put(std::string_view key, Source& body, const PutOptions& options, const Call& call) override {
    return inner_->put(key, body, options, call);
  }
  // Half of it, then the connection is lost; the second time all.
  Result<std::uint64_t> get(std::string_view key, ByteRange range, Sink& out, const Call& call) override {
    if (++gets_ > 1) return inner_->get(key, range, out, call);
    auto half = inner_->get(key, {.offset = 0, .length = 3}, out, call);
    if (!half) return half;
    return fail(Errc::io, "connection lost");
  }
  Result<ObjectInfo> stat(std::string_view key, const Call& call) override { return inner_->stat(key, call); }
  Result<void> list(std::string_view prefix, std::string_view after, const Visitor& visitor,
                    const Call& call) override {
    int seen = 0;
    bool stopped = false;
    auto listed = inner_->list(
        prefix, after,
        [&](const ObjectInfo& object) {
          if (++seen > 3) return false;
          stopped = !visitor(object);
          return !stopped;
        },
        call);
    if (!listed || stopped || seen <= 3) return listed;
    return fail(Errc::io, "connection lost");
  }
  Result<void> remove(std::string_view key, const Call& call) override { return inner_->remove(key, call); }

 private:
  std::shared_ptr<Backend> inner_;
  int gets_ = 0;
};

}  // namespace

TEST_CASE("failures that may pass are tried again, each after a longer pause") {
  const Errc code = GENERATE(Errc::busy, Errc::unavailable, Errc::timed_out, Errc::io);
  Fixture f;
  f.fail_first("put", 4, code);
  CHECK(error_of(f.put("hello")) == "none");
  CHECK(f.stored() == "hello");
  CHECK(f.calls == 5);
  const milliseconds longest[] = {milliseconds(100), milliseconds(200), milliseconds(300), milliseconds(300)};
  REQUIRE(f.pauses.size() == 4);
  for (std::size_t i = 0; i < 4; ++i) {
    CHECK(f.pauses[i] <= longest[i]);
    CHECK(f.pauses[i] >= longest[i] / 2);
  }
}

TEST_CASE("pauses differ, so that clients do not come back together") {
  std::vector<milliseconds> first;
  for (int i = 0; i < 50; ++i) {
    Fixture f;
    f.fail_first("put", 1);
    CHECK(f.put("x"));
    first.push_back(f.pauses.at(0));
  }
  const auto [shortest, longest] = std::minmax_element(first.begin(), first.end());
  CHECK(*longest - *shortest > milliseconds(10));
}

TEST_CASE("it gives up in the end, and says after how much") {
  Fixture f;
  f.fail_first("stat", 100);
  CHECK(error_of(f.backend->stat("key", {})) == "unavailable: gave up after 5 attempts: injected");
  CHECK(f.calls == 5);
  CHECK(f.pauses.size() == 4);
}

TEST_CASE("other failures are final") {
  const Errc code = GENERATE(Errc::not_found, Errc::precondition_failed, Errc::permission_denied,
                             Errc::invalid_argument, Errc::corrupt, Errc::no_space, Errc::cancelled);
  Fixture f;
  f.fail_first("remove", 1, code);
  CHECK(f.backend->remove("key", {}).error().message == "injected");
  CHECK(f.calls == 1);
  CHECK(f.pauses.empty());
}

TEST_CASE("no pause is begun that outlasts the deadline") {
  Fixture f;
  f.fail_first("put", 100);
  f.backend = make_retrying_backend(
      f.faulty, {.first_pause = std::chrono::hours(1), .longest_pause = std::chrono::hours(2), .wait = f.options.wait});
  const Call call{.stop = {}, .deadline = std::chrono::steady_clock::now() + std::chrono::minutes(10)};
  CHECK(error_of(f.put("x", {}, call)) == "unavailable: injected");
  CHECK(f.calls == 1);
  CHECK(f.pauses.empty());
}

TEST_CASE("a stop during a pause ends the call") {
  Fixture f;
  f.fail_first("put", 100);
  std::stop_source stop;
  f.during_pause = [&] { stop.request_stop(); };
  CHECK(error_of(f.put("x", {}, {.stop = stop.get_token(), .deadline = {}})) ==
        "cancelled: injected: put key was cancelled");
  CHECK(f.calls == 1);
}

TEST_CASE("a real pause can be interrupted") {
  Fixture f;
  std::atomic<bool> failed = false;
  f.plan = [&](std::string_view) {
    failed = true;
    failed.notify_all();
    return Fault{.error = {.code = Errc::busy, .message = "injected"}};
  };
  f.backend =
      make_retrying_backend(f.faulty, {.first_pause = std::chrono::hours(10), .longest_pause = std::chrono::hours(10)});
  std::stop_source stop;
  const std::jthread other([&] {
    failed.wait(false);
    stop.request_stop();
  });
  CHECK(f.put("x", {}, {.stop = stop.get_token(), .deadline = {}}).error().code == Errc::cancelled);
  CHECK(f.calls == 1);
}

TEST_CASE("a real pause ends by itself") {
  Fixture f;
  f.fail_first("put", 1);
  f.backend = make_retrying_backend(f.faulty, {.first_pause = milliseconds(1), .longest_pause = milliseconds(1)});
  CHECK(error_of(f.put("x")) == "none");
  CHECK(f.calls == 2);
}

TEST_CASE("the body is sent again from its beginning") {
  Fixture f;
  f.fail_first("put", 3, Errc::io, true);
  CHECK(error_of(f.put("a body")) == "none");
  CHECK(f.stored() == "a body");
}

TEST_CASE("what a failed get wrote is thrown away") {
  Fixture f;
  REQUIRE(f.put("abcdef"));
  const auto backend = make_retrying_backend(std::make_shared<LosesConnection>(f.memory), f.options);
  MemorySink sink;
  const auto got = backend->get("key", {}, sink, {});
  REQUIRE(got);
  CHECK(*got == 6);
  const auto expected = bytes("abcdef");
  CHECK(std::equal(expected.begin(), expected.end(), sink.data().begin(), sink.data().end()));
}

TEST_CASE("a listing goes on where it was cut off") {
  Fixture f;
  std::vector<std::string> keys;
  for (char c = 'a'; c < 'l'; ++c) {
    keys.push_back(std::string("k/") + c);
    MemorySource body({});
    REQUIRE(f.memory->put(keys.back(), body, {}, {}));
  }
  const auto backend = make_retrying_backend(std::make_shared<LosesConnection>(f.memory), f.options);
  std::vector<std::string> seen;
  const auto note = [&](const ObjectInfo& object) { return seen.push_back(object.key), true; };
  CHECK(error_of(backend->list("k/", "", note, {})) == "none");
  CHECK(seen == keys);
  CHECK(f.pauses.size() == 3);
}

TEST_CASE("a listing that was ended is not begun again") {
  Fixture f;
  REQUIRE(f.put("x"));
  f.fail_first("list", 100, Errc::unavailable, true);
  int seen = 0;
  CHECK(error_of(f.backend->list("", "", [&](const ObjectInfo&) { return ++seen, false; }, {})) == "none");
  CHECK(seen == 1);
  CHECK(f.pauses.empty());
}

TEST_CASE("a conditional put whose answer was lost is recognised") {
  Fixture f;
  SECTION("stored by the attempt that seemed to fail") {
    f.fail_first("put", 1, Errc::io, true);
    const auto put = f.put("mine", {.if_absent = true});
    REQUIRE(error_of(put) == "none");
    CHECK(put->size == 4);
    CHECK(put->key == "key");
  }
  SECTION("stored by somebody else meanwhile") {
    const std::string theirs = GENERATE(as<std::string>(), "them", "somebody", "me", std::string("mine\0\0", 6), "");
    f.fail_first("put", 1);
    f.during_pause = [&] {
      MemorySource body(bytes(theirs));
      REQUIRE(f.memory->put("key", body, {}, {}));
    };
    CHECK(error_of(f.put("mine", {.if_absent = true})) == "precondition_failed: object key exists already");
    CHECK(f.stored() == theirs);
  }
  SECTION("there from the beginning") {
    REQUIRE(f.put("mine"));
    f.calls = 0;
    CHECK(f.put("mine", {.if_absent = true}).error().code == Errc::precondition_failed);
    CHECK(f.calls == 1);
  }
}

TEST_CASE("a store that says when it wants to be asked again is not asked before") {
  Fixture f;
  f.plan = [left = 1](std::string_view) mutable -> std::optional<Fault> {
    if (left-- <= 0) return {};
    return Fault{.error = {.code = Errc::busy, .message = "slow down", .retry_after = std::chrono::seconds(7)}};
  };
  CHECK(error_of(f.put("x")) == "none");
  REQUIRE(f.pauses.size() == 1);
  CHECK(f.pauses[0] >= milliseconds(7'050));
  CHECK(f.pauses[0] <= milliseconds(7'100));
}

TEST_CASE("a store cannot ask for any pause it likes") {
  Fixture f;
  f.plan = [left = 1](std::string_view) mutable -> std::optional<Fault> {
    if (left-- <= 0) return {};
    return Fault{.error = {.code = Errc::busy, .message = "slow down", .retry_after = std::chrono::hours(24)}};
  };
  CHECK(error_of(f.put("x")) == "none");
  REQUIRE(f.pauses.size() == 1);
  CHECK(f.pauses[0] <= milliseconds(60'100));
}
