// What check-backend finds out, on stores that are good, slow or refuse something.
#include "store_check.hpp"

#include <algorithm>
#include <mutex>

#include "replica/conformance.hpp"
#include "support/catch.hpp"

using namespace litestreamctl;
using replica::Backend;
using replica::Call;
using replica::Errc;

namespace {

std::vector<std::string> keys_of(Backend& backend) {
  std::vector<std::string> keys;
  REQUIRE(backend.list({}, {}, [&](const replica::ObjectInfo& one) { return keys.push_back(one.key), true; }, {}));
  return keys;
}

// Refuses `operation`.
std::unique_ptr<Backend> refusing(const std::shared_ptr<Backend>& inner, const std::string& operation) {
  return replica::make_faulty_backend(inner, [=](std::string_view name, std::string_view) {
    const bool hit = name == operation;
    return hit ? std::optional(replica::Fault{{Errc::permission_denied, "not for you", "ask"}}) : std::nullopt;
  });
}

StoreCheck small() {
  StoreCheck check;
  check.prefix = "check";
  check.small_objects = 5;
  check.large_size = 100'000;
  return check;
}

const replica::Error* error_of(const StoreReport& report, std::string_view name) {
  const auto found = std::find_if(report.operations.begin(), report.operations.end(),
                                  [&](const CheckStep& one) { return one.name == name; });
  return found == report.operations.end() || !found->error ? nullptr : &*found->error;
}

}  // namespace

TEST_CASE("a good store passes everything and is empty afterwards") {
  const auto backend = replica::make_memory_backend();
  std::vector<std::string> told;
  StoreCheck check = small();
  check.on_step = [&](const CheckStep& step) { told.push_back(step.name); };
  const StoreReport report = check_store(*backend, check, {});
  CHECK(report.passed());
  CHECK(report.operations.size() == 6);
  CHECK(report.exam.size() == replica::conformance_cases().size());
  CHECK(told.size() == report.operations.size() + report.exam.size());
  CHECK(report.times.size() == 3);
  CHECK(report.times.at(0).count == 5);
  CHECK(report.up_per_second > 0);
  CHECK(report.capabilities.conditional_put);
  CHECK(keys_of(*backend).empty());
}

TEST_CASE("an account that may not put is told so, and nothing else is tried") {
  const auto inner = std::shared_ptr(replica::make_memory_backend());
  const StoreReport report = check_store(*refusing(inner, "put"), small(), {});
  CHECK(report.operations.size() == 1);
  REQUIRE(error_of(report, "put"));
  CHECK(error_of(report, "put")->hint == "ask");
  CHECK(report.exam.empty());
  CHECK_FALSE(report.cleared.error);
}

TEST_CASE("what an account may not do is named, and the exam is left out") {
  const auto operation = GENERATE("get", "stat", "list", "remove");
  const auto inner = std::shared_ptr(replica::make_memory_backend());
  const StoreReport report = check_store(*refusing(inner, operation), small(), {});
  CHECK_FALSE(report.passed());
  REQUIRE(error_of(report, operation));
  CHECK(error_of(report, operation)->code == Errc::permission_denied);
  CHECK(report.exam.empty());
  // All that stays there is named; without a listing it cannot be known.
  if (std::string(operation) != "list") CHECK(report.cleared.left == keys_of(*inner));
  CHECK(report.cleared.error.has_value() == (std::string(operation) == "remove" || std::string(operation) == "list"));
}

TEST_CASE("a store that gives other bytes does not pass") {
  class Wrong final : public Backend {
   public:
    std::string_view type() const noexcept override { return "wrong"; }
    replica::Capabilities capabilities() const noexcept override { return {}; }
    replica::Result<replica::ObjectInfo> put(std::string_view key, replica::Source& body, const replica::PutOptions& o,
                                             const Call& call) override {
      if (o.if_absent) return replica::fail(Errc::unsupported, "not here");
      return inner_->put(key, body, o, call);
    }
    replica::Result<std::uint64_t> get(std::string_view, replica::ByteRange, replica::Sink& out, const Call&) override {
      const std::vector<std::byte> other(10);
      if (auto written = out.write(other); !written) return replica::pass(written);
      return other.size();
    }
    replica::Result<replica::ObjectInfo> stat(std::string_view key, const Call& call) override {
      return inner_->stat(key, call);
    }
    replica::Result<void> list(std::string_view prefix, std::string_view after, const Visitor& visitor,
                               const Call& call) override {
      return inner_->list(prefix, after, visitor, call);
    }
    replica::Result<void> remove(std::string_view key, const Call& call) override { return inner_->remove(key, call); }

   private:
    std::unique_ptr<Backend> inner_ = replica::make_memory_backend();
  };
  Wrong backend;
  const StoreReport report = check_store(backend, small(), {});
  REQUIRE(error_of(report, "get"));
  CHECK(error_of(report, "get")->code == Errc::corrupt);
  CHECK(error_of(report, "put if absent") == nullptr);  // not having it is no fault
  CHECK(report.exam.empty());
  CHECK(keys_of(backend).empty());
}

TEST_CASE("a check that is stopped anywhere takes away what it has put") {
  const auto inner = std::shared_ptr(replica::make_memory_backend());
  const int last = GENERATE(1, 7, 20, 100, 1000);
  std::stop_source stop;
  std::atomic<int> calls = 0;
  const auto backend = replica::make_faulty_backend(inner, [&](std::string_view, std::string_view) {
    if (++calls == last) stop.request_stop();
    return std::optional<replica::Fault>();
  });
  const StoreReport report = check_store(*backend, small(), {.stop = stop.get_token(), .deadline = {}});
  CHECK_FALSE(report.passed());
  CHECK(report.exam.size() < replica::conformance_cases().size());
  CHECK(report.cleared.left.empty());
  CHECK(keys_of(*inner).empty());
}

TEST_CASE("prefixes are never the same") {
  CHECK(own_prefix("check-backend") != own_prefix("check-backend"));
  CHECK(replica::check_key(own_prefix("check-backend")));
}
