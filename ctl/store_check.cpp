#include "store_check.hpp"

#include <algorithm>
#include <random>

#include "replica/conformance.hpp"

namespace litestreamctl {

using replica::Call;
using replica::Errc;
using replica::Result;

namespace {

// Bytes that no store and no line between can compress.
std::vector<std::byte> noise(std::size_t size) {
  std::vector<std::byte> out(size);
  std::minstd_rand random(std::random_device{}());
  std::generate(out.begin(), out.end(), [&] { return static_cast<std::byte>(random() >> 8U); });
  return out;
}

class Examination {
 public:
  Examination(replica::Backend& backend, const StoreCheck& check, const Call& call)
      : backend_(backend), check_(check), call_(call), clock_(check.clock != nullptr ? *check.clock : kSystem) {}

  StoreReport run() {
    const bool all_work = operations();
    report_.capabilities = backend_.capabilities();
    if (all_work && measure()) exam();
    clear();
    return std::move(report_);
  }

 private:
  static inline const replica::SystemClock kSystem;

  std::string key(const std::string& name) const { return check_.prefix + "/" + name; }
  // False when it failed.
  bool step(std::vector<CheckStep>& steps, std::string name, const Result<void>& result) {
    steps.push_back({std::move(name), result ? std::nullopt : std::optional(result.error())});
    if (check_.on_step) check_.on_step(steps.back());
    return result.has_value();
  }

  Result<void> put(const std::string& name, const std::vector<std::byte>& data, bool if_absent = false) {
    replica::MemorySource body(data);
    auto stored = backend_.put(key(name), body, {.modified_at = {}, .if_absent = if_absent}, call_);
    return stored ? Result<void>() : Result<void>(replica::pass(stored));
  }
  Result<void> get(const std::string& name, const std::vector<std::byte>& expected) {
    replica::MemorySink sink;
    auto got = backend_.get(key(name), {}, sink, call_);
    if (!got) return replica::pass(got);
    if (sink.data() != expected) return replica::fail(Errc::corrupt, "what was put comes back with other bytes");
    return {};
  }
  Result<void> stat(const std::string& name, std::size_t size) {
    auto info = backend_.stat(key(name), call_);
    if (!info) return replica::pass(info);
    if (info->size != size) return replica::fail(Errc::corrupt, "the object has another size than what was put");
    return {};
  }
  Result<void> list(std::size_t expected) {
    std::size_t found = 0;
    const auto count = [&](const replica::ObjectInfo&) { return ++found, true; };
    if (auto listed = backend_.list(check_.prefix + "/", {}, count, call_); !listed) return listed;
    if (found == expected) return {};
    return replica::fail(Errc::corrupt, "the listing gives " + std::to_string(found) + " objects instead of " +
                                            std::to_string(expected));
  }
  Result<void> put_if_absent() {
    const auto data = noise(check_.small_size);
    auto first = put("absent", data, true);
    if (!first) return first.error().code == Errc::unsupported ? Result<void>() : first;
    auto second = put("absent", data, true);
    if (!second && second.error().code == Errc::precondition_failed) return {};
    return second ? replica::fail(Errc::corrupt, "a conditional put replaces an object that is there") : second;
  }

  bool operations() {
    auto& steps = report_.operations;
    const auto data = noise(check_.small_size);
    if (!step(steps, "put", put("object", data))) return false;
    bool good = step(steps, "get", get("object", data));
    good = step(steps, "stat", stat("object", data.size())) && good;
    good = step(steps, "list", list(1)) && good;
    good = step(steps, "put if absent", put_if_absent()) && good;
    return step(steps, "remove", backend_.remove(key("object"), call_)) && good;
  }

  template <class Run>
  bool measure_times(const char* operation, std::size_t count, Run run) {
    std::vector<double> times;
    for (std::size_t i = 0; i < count; ++i) {
      const auto begin = clock_.steady();
      Result<void> result = run(i);
      times.push_back(std::chrono::duration<double, std::milli>(clock_.steady() - begin).count());
      if (!result) return step(report_.operations, std::string(operation) + " again and again", result);
    }
    std::sort(times.begin(), times.end());
    report_.times.push_back({operation, static_cast<int>(count), times[times.size() / 2], times.back()});
    return true;
  }

  bool measure() {
    const auto data = noise(check_.small_size);
    const std::size_t count = check_.small_objects;
    const auto name = [](std::size_t i) { return "small-" + std::to_string(i); };
    const std::size_t others = 1;  // "absent", where it could be put
    const bool conditional = report_.capabilities.conditional_put;
    return measure_times("put", count, [&](std::size_t i) { return put(name(i), data); }) &&
           measure_times("get", count, [&](std::size_t i) { return get(name(i), data); }) &&
           measure_times("list", count, [&](std::size_t) { return list(count + (conditional ? others : 0)); }) &&
           measure_throughput();
  }

  bool measure_throughput() {
    const auto data = noise(check_.large_size);
    const auto per_second = [&](replica::Clock::Steady begin) {
      const std::chrono::duration<double> took = clock_.steady() - begin;
      return static_cast<double>(data.size()) / std::max(took.count(), 1e-9);
    };
    const auto up = clock_.steady();
    if (auto stored = put("large", data); !stored) return step(report_.operations, "put a large object", stored);
    report_.up_per_second = per_second(up);
    const auto down = clock_.steady();
    if (auto got = get("large", data); !got) return step(report_.operations, "get a large object", got);
    report_.down_per_second = per_second(down);
    return true;
  }

  void exam() {
    for (const replica::ConformanceCase& one : replica::conformance_cases()) {
      if (!call_.check("exam")) return;
      step(report_.exam, std::string(one.name), one.run(backend_, check_.prefix + "/exam", call_));
    }
    report_.complete = true;
  }

  void clear() {
    Cleared cleared = clear_below(backend_, check_.prefix);
    const bool nothing_put = !report_.operations.empty() && report_.operations.front().error;
    if (cleared.error && cleared.left.empty() && nothing_put) return;
    report_.cleared = std::move(cleared);
  }

  replica::Backend& backend_;
  const StoreCheck& check_;
  const Call& call_;
  const replica::Clock& clock_;
  StoreReport report_;
};

}  // namespace

std::size_t StoreReport::failures() const {
  const auto failed = [](const std::vector<CheckStep>& steps) {
    return std::count_if(steps.begin(), steps.end(), [](const CheckStep& one) { return one.error.has_value(); });
  };
  return static_cast<std::size_t>(failed(operations) + failed(exam));
}

StoreReport check_store(replica::Backend& backend, const StoreCheck& check, const Call& call) {
  return Examination(backend, check, call).run();
}

}  // namespace litestreamctl
