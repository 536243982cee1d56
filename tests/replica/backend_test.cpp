// Every backend and decorator against the exam that users can run as well, and the exam against backends that break it.
#include "replica/backend.hpp"

#include <atomic>

#include "replica/conformance.hpp"
#include "support/catch.hpp"
#include "support/temp_dir.hpp"
#include "support/through.hpp"
#include "tools/random.hpp"

using namespace replica;
using support::TempDir;
using support::Through;

namespace {

template <class T>
std::string error_of(const Result<T>& result) {
  return result ? "none" : std::string(name(result.error().code)) + ": " + result.error().message;
}

RetryOptions without_waiting() {
  return {.wait = [](std::chrono::milliseconds, const Call&) {}};
}

// Every nth call fails, before or after it has happened.
// Not every `nth` call: threads in step would each meet the fault that is theirs again and again. Which it is, is drawn
// from the number of the call.
FaultPlan one_in(std::uint64_t nth, bool after) {
  auto calls = std::make_shared<std::atomic<std::uint64_t>>(0);
  return [=](std::string_view, std::string_view) -> std::optional<Fault> {
    if (tools::Random(++*calls).next() % nth != 0) return {};
    return Fault{.error = {.code = Errc::unavailable, .message = "injected"}, .after = after};
  };
}

void sit_exam(std::shared_ptr<Backend> backend) {
  const auto cases = conformance_cases();
  REQUIRE(cases.size() == 20);
  for (const ConformanceCase& one : cases) {
    INFO(one.name);
    CHECK(error_of(one.run(*backend, "exam/some prefix", {})) == "none");
  }
}

class WithoutCapabilities final : public Through {
  Capabilities capabilities() const noexcept override { return {}; }
  Result<ObjectInfo> put(std::string_view key, Source& body, const PutOptions& options, const Call& call) override {
    if (options.if_absent) return fail(Errc::unsupported, "no conditional put here");
    return inner_->put(key, body, {}, call);
  }
};

class IgnoresCondition final : public Through {
  Result<ObjectInfo> put(std::string_view key, Source& body, const PutOptions& options, const Call& call) override {
    return inner_->put(key, body, {.modified_at = options.modified_at}, call);
  }
};

class ListsThousand final : public Through {
  Result<void> list(std::string_view prefix, std::string_view after, const Visitor& visitor,
                    const Call& call) override {
    int seen = 0;
    return inner_->list(prefix, after, [&](const ObjectInfo& o) { return visitor(o) && ++seen < 1000; }, call);
  }
};

class CutsRanges final : public Through {
  Result<std::uint64_t> get(std::string_view key, ByteRange range, Sink& out, const Call& call) override {
    auto info = inner_->stat(key, call);
    if (info && range.length && range.offset < info->size) {
      range.length = std::min(*range.length, info->size - range.offset);
    }
    return inner_->get(key, range, out, call);
  }
};

class ForgetsTimes final : public Through {
  Result<ObjectInfo> put(std::string_view key, Source& body, const PutOptions& options, const Call& call) override {
    return inner_->put(key, body, {.if_absent = options.if_absent}, call);
  }
};

class RemovesStrictly final : public Through {
  Result<void> remove(std::string_view key, const Call& call) override {
    if (auto info = inner_->stat(key, call); !info) return pass(info);
    return inner_->remove(key, call);
  }
};

std::vector<std::string> failed_cases(Backend& backend) {
  std::vector<std::string> failed;
  for (const ConformanceCase& one : conformance_cases()) {
    if (!one.run(backend, "exam", {})) failed.emplace_back(one.name);
  }
  return failed;
}

}  // namespace

TEST_CASE("the memory backend passes the exam") { sit_exam(make_memory_backend()); }

TEST_CASE("the file backend passes the exam") {
  TempDir dir;
  sit_exam(make_file_backend({.root = dir.path("root/of it")}));
  CHECK(dir.files().empty());
}

TEST_CASE("a backend without capabilities passes the exam") { sit_exam(std::make_shared<WithoutCapabilities>()); }

TEST_CASE("a store that fails now and then passes the exam behind retries") {
  const std::uint64_t nth = GENERATE(2U, 3U, 7U);
  const bool after = GENERATE(false, true);
  INFO("one in " << nth << (after ? ", after the call" : ", before the call"));
  const std::shared_ptr<Backend> faulty = make_faulty_backend(make_memory_backend(), one_in(nth, after));
  auto options = without_waiting();
  // With threads a call may meet several of the others' faults in a row.
  options.attempts = 40;
  sit_exam(make_retrying_backend(faulty, options));
}

TEST_CASE("a directory that fails now and then passes the exam behind retries") {
  TempDir dir(support::fast_directory());
  const std::shared_ptr<Backend> faulty = make_faulty_backend(make_file_backend({.root = dir.path()}), one_in(3, true));
  auto options = without_waiting();
  options.attempts = 40;
  sit_exam(make_retrying_backend(faulty, options));
  CHECK(dir.files().empty());
}

TEST_CASE("the exam finds what is broken") {
  using Names = std::vector<std::string>;
  IgnoresCondition ignores;
  CHECK(failed_cases(ignores) == Names{"if absent", "if absent has one winner"});
  ListsThousand pages;
  CHECK(failed_cases(pages).front() == "listings of many");
  CutsRanges cuts;
  CHECK(failed_cases(cuts) == Names{"ranges"});
  ForgetsTimes forgets;
  CHECK(failed_cases(forgets) == Names{"times are kept"});
  RemovesStrictly strict;
  CHECK(failed_cases(strict) == Names{"missing objects", "removing"});
}

TEST_CASE("a refused key says why") {
  const auto [key, why] = GENERATE(table<std::string, std::string>(
      {{"", "key '' has an empty part"},
       {"a//b", "key 'a//b' has an empty part"},
       {"a/../b", "key 'a/../b' has a part '.' or '..'"},
       {"a\nb", "key 'a?b' has a control character"},
       {"a/b.tmp", "key 'a/b.tmp' ends in .tmp, which marks unfinished objects"},
       {"a/" + std::string(256, 'k'), "key 'a/" + std::string(253, 'k') + "' has a part longer than 255 bytes"}}));
  CHECK(error_of(check_key(key)) == "invalid_argument: " + why);
  CHECK(error_of(check_key("a")) == "none");
  CHECK(error_of(check_prefix("a/../")) == "invalid_argument: prefix 'a/../' has a part '.' or '..'");
  for (const auto* prefix : {"", "a", "a/", "a/.", "a/..", "a/b.tmp"}) CHECK(error_of(check_prefix(prefix)) == "none");
}

TEST_CASE("faults come before or after the call") {
  const std::shared_ptr<Backend> memory = make_memory_backend();
  std::vector<std::string> asked;
  bool after = false;
  const auto faulty = make_faulty_backend(memory, [&](std::string_view operation, std::string_view key) {
    asked.push_back(std::string(operation) + " " + std::string(key));
    return std::optional(Fault{.error = {.code = Errc::busy, .message = "injected"}, .after = after});
  });
  const std::byte data[3] = {};
  for (int round = 0; round < 2; ++round) {
    MemorySource body(data);
    MemorySink sink;
    CHECK(error_of(faulty->put("k", body, {}, {})) == "busy: injected");
    CHECK(memory->stat("k", {}).has_value() == after);
    // A call that fails by itself keeps its own error.
    CHECK(error_of(faulty->get("none", {}, sink, {})) ==
          (after ? "not_found: object none does not exist" : "busy: injected"));
    CHECK(error_of(faulty->stat("k", {})) == "busy: injected");
    int seen = 0;
    CHECK(error_of(faulty->list("", "", [&](const ObjectInfo&) { return ++seen > 0; }, {})) == "busy: injected");
    CHECK(seen == (after ? 1 : 0));
    CHECK(error_of(faulty->remove("k", {})) == "busy: injected");
    CHECK_FALSE(memory->stat("k", {}));
    after = true;
  }
  CHECK(asked.size() == 10);
  CHECK(std::vector(asked.begin(), asked.begin() + 5) ==
        std::vector<std::string>{"put k", "get none", "stat k", "list ", "remove k"});
}
