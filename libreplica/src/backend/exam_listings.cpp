#include <algorithm>

#include "backend/exam.hpp"
#include "base/text.hpp"

namespace replica::exam {
namespace {

// Some stores answer a thousand a page: enough to need a second one.
constexpr int kMany = 1100;

std::string numbered(int i) {
  const std::string digits = std::to_string(i);
  return "n" + std::string(4 - digits.size(), '0') + digits;
}

Result<void> put_all(const Exam& exam, const std::vector<std::string>& names) {
  return at_once(8, [&](int share) -> Result<void> {
    for (std::size_t i = static_cast<std::size_t>(share); i < names.size(); i += 8) {
      if (auto put = exam.put(names[i], make_data(i % 50, i)); !put) return pass(put);
    }
    return {};
  });
}

}  // namespace

// What sorts before and after '/' is the trap: folders must not be listed where their own names would stand.
Result<void> listings_are_in_order(const Exam& exam) {
  const std::vector<std::string> ordered = {"B",     "a b",        "a-b",  "a.b/x",    "a/b",
                                            "a/b-c", "a/c/d",      "a/c0", "a0",       "aa",
                                            "b",     "z/\xc3\xa4", "~",    "\xc3\xa4", "\xe2\x82\xac/x"};
  std::vector<std::string> mixed = ordered;
  std::reverse(mixed.begin(), mixed.end());
  std::swap(mixed.front(), mixed[5]);
  if (auto put = put_all(exam, mixed); !put) return put;
  if (auto r = exam.expect_list({}, {}, ordered); !r) return r;
  for (std::size_t i = 0; i < ordered.size(); ++i) {
    const std::vector<std::string> rest(ordered.begin() + static_cast<std::ptrdiff_t>(i) + 1, ordered.end());
    if (auto r = exam.expect_list({}, ordered[i], rest); !r) return r;
  }
  // `after` need not be a key that exists.
  if (auto r = exam.expect_list({}, "a/c", {ordered.begin() + 6, ordered.end()}); !r) return r;
  return exam.expect_list({}, "\xff", {});
}

Result<void> listings_by_prefix(const Exam& exam) {
  if (auto put = put_all(exam, {"db/ltx/0/1", "db/ltx/0/2", "db/ltx/1/1", "db/x", "db2/ltx/0/1", "dc"}); !put)
    return put;
  if (auto r = exam.expect_list("db/ltx/0/", {}, {"db/ltx/0/1", "db/ltx/0/2"}); !r) return r;
  if (auto r = exam.expect_list("db/ltx/0/", "db/ltx/0/1", {"db/ltx/0/2"}); !r) return r;
  if (auto r = exam.expect_list("db/ltx/0/", "db/ltx/1/", {}); !r) return r;
  if (auto r = exam.expect_list("db/ltx/1/", "db/ltx/0/9", {"db/ltx/1/1"}); !r) return r;
  if (auto r = exam.expect_list("db/ltx", {}, {"db/ltx/0/1", "db/ltx/0/2", "db/ltx/1/1"}); !r) return r;
  if (auto r = exam.expect_list("db", "db/ltx/0/1", {"db/ltx/0/2", "db/ltx/1/1", "db/x", "db2/ltx/0/1"}); !r) return r;
  if (auto r = exam.expect_list("dc", {}, {"dc"}); !r) return r;
  if (auto r = exam.expect_list("dc/", {}, {}); !r) return r;
  if (auto r = exam.expect_list("db/ltx/0/1", {}, {"db/ltx/0/1"}); !r) return r;
  return exam.expect_list("nothing/here/", {}, {});
}

Result<void> listings_of_many(const Exam& exam) {
  std::vector<std::string> names;
  names.reserve(static_cast<std::size_t>(kMany));
  for (int i = 0; i < kMany; ++i) names.push_back(numbered(i));
  if (auto put = put_all(exam, names); !put) return put;
  if (auto r = exam.expect_list({}, {}, names); !r) return r;
  for (const std::ptrdiff_t from : {1, 999, 1000, 1001, kMany}) {
    const std::string& after = names[static_cast<std::size_t>(from) - 1];
    if (auto r = exam.expect_list({}, after, {names.begin() + from, names.end()}); !r) return r;
  }
  return exam.expect_list("n10", {}, {names.begin() + 1000, names.end()});
}

Result<void> listings_end_early(const Exam& exam) {
  if (auto put = put_all(exam, {"a", "b/1", "b/2", "c", "d"}); !put) return put;
  for (const std::size_t wanted : {1U, 2U, 3U, 5U}) {
    std::size_t seen = 0;
    auto listed =
        exam.backend().list(exam.key({}), {}, [&](const ObjectInfo&) { return ++seen < wanted; }, exam.call());
    if (!listed) return pass(listed, "a listing that its visitor ends");
    if (seen != wanted)
      return broken(base::concat("a visitor that stopped after ", wanted, " was called ", seen, " times"));
  }
  return {};
}

Result<void> visitors_may_use_the_backend(const Exam& exam) {
  const std::vector<std::string> names = {"a", "b/1", "b/2", "c"};
  if (auto put = put_all(exam, names); !put) return put;
  Result<void> removed;
  std::size_t seen = 0;
  const auto visit = [&](const ObjectInfo& object) {
    ++seen;
    auto info = exam.backend().stat(object.key, exam.call());
    if (!info) removed = pass(info);
    if (removed) removed = exam.backend().remove(object.key, exam.call());
    return removed.has_value();
  };
  auto listed = exam.backend().list(exam.key({}), {}, visit, exam.call());
  if (!removed) return pass(removed, "remove during a listing");
  if (!listed) return listed;
  if (seen != names.size()) return broken("removing what was listed made the listing pass over others");
  return exam.expect_list({}, {}, {});
}

}  // namespace replica::exam
