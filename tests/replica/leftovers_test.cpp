// What is cleared away later, and how long what is cleared away at once may take.
#include "backend/leftovers.hpp"

#include "backend/surroundings.hpp"
#include "support/catch.hpp"

using namespace replica;
using namespace std::chrono_literals;
using backend::Leftovers;

namespace {

struct Clearing {
  Leftovers leftovers;
  std::vector<std::string> asked;

  explicit Clearing(std::initializer_list<const char*> names) {
    for (const char* name : names) leftovers.add({.name = name});
  }
  // What is asked for when `refused` cannot be cleared.
  std::vector<std::string> clear(const std::string& refused = {}) {
    asked.clear();
    leftovers.clear([&](const Leftovers::One& one) -> Result<void> {
      asked.push_back(one.name);
      if (one.name == refused) return fail(Errc::unavailable, "away");
      return {};
    });
    return asked;
  }
};

using Names = std::vector<std::string>;

std::chrono::milliseconds time_for(const Call& call, std::chrono::milliseconds patience) {
  const auto begin = std::chrono::steady_clock::now();
  return std::chrono::ceil<std::chrono::milliseconds>(*backend::in_any_case(call, patience).deadline - begin);
}

}  // namespace

TEST_CASE("what is left over is cleared once, and the rest waits when one fails") {
  Clearing clearing{"a", "b", "c"};
  CHECK(clearing.clear("b") == Names{"a", "b"});
  CHECK(clearing.clear() == Names{"b", "c"});
  CHECK(clearing.clear().empty());
}

TEST_CASE("what cannot be cleared is left in the end") {
  Clearing clearing{"a", "b"};
  CHECK(clearing.clear("a") == Names{"a"});
  CHECK(clearing.clear("a") == Names{"a"});
  CHECK(clearing.clear("a") == Names{"a"});
  CHECK(clearing.clear("a") == Names{"b"});
}

TEST_CASE("no more than a bounded number is remembered") {
  Clearing clearing{};
  for (int i = 0; i < 1000; ++i) clearing.leftovers.add({.name = std::to_string(i)});
  CHECK(clearing.clear().size() == 100);
}

TEST_CASE("clearing away takes what is left of a call, and a moment when that is over") {
  const auto now = std::chrono::steady_clock::now();
  CHECK(time_for({}, 5s) >= 5s);
  CHECK(time_for({.stop = {}, .deadline = now + 1h}, 5s) >= 5s);
  CHECK(time_for({.stop = {}, .deadline = now + 3s}, 5s) <= 3s);
  CHECK(time_for({.stop = {}, .deadline = now - 3s}, 5s) <= 1s);
  CHECK(time_for({.stop = {}, .deadline = now - 3s}, 5s) >= 150ms);
  std::stop_source stop;
  stop.request_stop();
  CHECK(time_for({.stop = stop.get_token(), .deadline = {}}, 5s) <= 1s);
  CHECK_FALSE(backend::in_any_case({.stop = stop.get_token(), .deadline = {}}, 5s).stop.stop_requested());
}
