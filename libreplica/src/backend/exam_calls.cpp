#include <algorithm>
#include <atomic>

#include "backend/exam.hpp"
#include "base/text.hpp"

namespace replica::exam {
namespace {

constexpr int kThreads = 8;

// Asks for a stop when the first part of it has been read.
class StoppingSource final : public Source {
 public:
  StoppingSource(const Data& data, std::stop_source& stop) : inner_(data), stop_(stop) {}
  Result<std::size_t> read(MutableBytes out) override {
    auto got = inner_.read(out.first(std::min<std::size_t>(out.size(), 4096)));
    stop_.request_stop();
    return got;
  }
  std::uint64_t size() const override { return inner_.size(); }
  Result<void> rewind() override { return inner_.rewind(); }

 private:
  MemorySource inner_;
  std::stop_source& stop_;
};

// Every operation with a Call that is over is `code`, and nothing has changed.
Result<void> does_nothing(const Exam& exam, const Call& over, Errc code) {
  const Data old = make_data(10, 1), fresh = make_data(20, 2);
  if (auto put = exam.put("old", old); !put) return pass(put);
  Backend& backend = exam.backend();
  for (const std::string_view name : {"old", "new"}) {
    const std::string key = exam.key(name);
    MemorySource body(fresh);
    MemorySink sink;
    if (auto r = expect_error(backend.put(key, body, {}, over), code, "put"); !r) return r;
    if (auto r = expect_error(backend.get(key, {}, sink, over), code, "get"); !r) return r;
    if (!sink.data().empty()) return broken("get wrote something for a call that was over");
    if (auto r = expect_error(backend.stat(key, over), code, "stat"); !r) return r;
    if (auto r = expect_error(backend.remove(key, over), code, "remove"); !r) return r;
  }
  bool visited = false;
  const auto visit = [&](const ObjectInfo&) { return visited = true; };
  if (auto r = expect_error(backend.list(exam.key({}), {}, visit, over), code, "list"); !r) return r;
  if (visited) return broken("list called its visitor for a call that was over");
  if (auto r = exam.expect_absent("new"); !r) return r;
  return exam.expect_data("old", old);
}

}  // namespace

Result<void> if_absent(const Exam& exam) {
  const Data first = make_data(10, 1), second = make_data(20, 2);
  const PutOptions options{.if_absent = true};
  auto put = exam.put("object", first, options);
  if (!exam.backend().capabilities().conditional_put) {
    if (auto r = expect_error(put, Errc::unsupported, "put if absent without the capability"); !r) return r;
    return exam.expect_absent("object");
  }
  if (!put) return pass(put);
  auto again = exam.put("object", second, options);
  if (auto r = expect_error(again, Errc::precondition_failed, "put if absent over an object"); !r) return r;
  if (auto r = exam.expect_list({}, {}, {"object"}); !r) return r;
  if (auto r = exam.expect_data("object", first); !r) return r;
  if (auto removed = exam.backend().remove(exam.key("object"), exam.call()); !removed) return removed;
  if (auto third = exam.put("object", second, options); !third) return pass(third);
  return exam.expect_data("object", second);
}

Result<void> if_absent_has_one_winner(const Exam& exam) {
  if (!exam.backend().capabilities().conditional_put) return {};
  for (int round = 0; round < 10; ++round) {
    const std::string name = base::concat("round-", round);
    std::atomic<int> winners = 0, winner = -1;
    auto raced = at_once(kThreads, [&](int i) -> Result<void> {
      auto put = exam.put(name, make_data(1000, static_cast<std::uint64_t>(i)), {.if_absent = true});
      if (!put) return expect_error(put, Errc::precondition_failed, "a put that lost the race");
      ++winners;
      winner = i;
      return {};
    });
    if (!raced) return raced;
    if (winners != 1) return broken(base::concat(winners.load(), " of ", kThreads, " conditional puts won"));
    if (auto r = exam.expect_data(name, make_data(1000, static_cast<std::uint64_t>(winner.load()))); !r) return r;
  }
  return {};
}

// Threads put and read one shared object while each has one of its own.
Result<void> readers_see_whole_objects(const Exam& exam) {
  constexpr std::size_t kSize = 200'000;
  if (auto put = exam.put("shared", make_data(kSize, 0)); !put) return pass(put);
  auto done = at_once(kThreads, [&](int i) -> Result<void> {
    const std::string own = base::concat("own/", i);
    for (std::uint64_t round = 1; round <= 10; ++round) {
      const Data data = make_data(kSize / round, round * 100 + static_cast<std::uint64_t>(i));
      if (auto put = exam.put("shared", data); !put) return pass(put);
      if (auto put = exam.put(own, data); !put) return pass(put);
      if (auto r = exam.expect_data(own, data); !r) return r;
      auto shared = exam.get("shared");
      if (!shared) return pass(shared);
      if (auto whole = seed_of(*shared); !whole) return pass(whole);
      auto names = exam.list("s");
      if (!names) return pass(names);
      if (*names != std::vector<std::string>{"shared"}) return broken("an object is not listed while it is replaced");
    }
    return {};
  });
  if (!done) return done;
  auto names = exam.list();
  if (!names) return pass(names);
  if (names->size() != kThreads + 1) return broken("parallel puts left another number of objects");
  return {};
}

Result<void> a_cancelled_put_leaves_nothing(const Exam& exam) {
  const Data big = make_data(std::size_t{5} << 20U, 1), old = make_data(100, 2);
  if (auto put = exam.put("old", old); !put) return pass(put);
  for (const std::string_view name : {"new", "old"}) {
    std::stop_source stop;
    StoppingSource body(big, stop);
    auto put =
        exam.backend().put(exam.key(name), body, {}, {.stop = stop.get_token(), .deadline = exam.call().deadline});
    if (auto r = expect_error(put, Errc::cancelled, "a put that is cancelled in the middle"); !r) return r;
  }
  if (auto r = exam.expect_absent("new"); !r) return r;
  return exam.expect_data("old", old);
}

Result<void> a_stopped_call_does_nothing(const Exam& exam) {
  std::stop_source stop;
  stop.request_stop();
  return does_nothing(exam, {.stop = stop.get_token(), .deadline = {}}, Errc::cancelled);
}

Result<void> a_call_past_its_deadline_does_nothing(const Exam& exam) {
  const auto past = std::chrono::steady_clock::now() - std::chrono::seconds(1);
  return does_nothing(exam, {.stop = {}, .deadline = past}, Errc::timed_out);
}

}  // namespace replica::exam
