#include "backend/exam.hpp"
#include "base/text.hpp"

namespace replica::exam {
namespace {

constexpr std::uint64_t kMax = ~std::uint64_t{0};

// Announces more than it has.
class ShortSource final : public Source {
 public:
  explicit ShortSource(const Data& data) : inner_(data) {}
  Result<std::size_t> read(MutableBytes out) override { return inner_.read(out); }
  std::uint64_t size() const override { return inner_.size() + 600; }
  Result<void> rewind() override { return inner_.rewind(); }

 private:
  MemorySource inner_;
};

Result<void> refuses(const Exam& exam, const std::string& key) {
  const Data data = make_data(10, 1);
  MemorySource body(data);
  MemorySink sink;
  Backend& backend = exam.backend();
  const std::string shown = "'" + key.substr(0, 60) + "'";
  const auto refused = [&](const auto& result, std::string_view operation) {
    return expect_error(result, Errc::invalid_argument, base::concat(operation, " with the key ", shown));
  };
  if (auto r = refused(backend.put(key, body, {}, exam.call()), "put"); !r) return r;
  if (auto r = refused(backend.get(key, {}, sink, exam.call()), "get"); !r) return r;
  if (auto r = refused(backend.stat(key, exam.call()), "stat"); !r) return r;
  return refused(backend.remove(key, exam.call()), "remove");
}

Result<void> gives(const Exam& exam, std::string_view name, ByteRange range, const Data& data) {
  auto got = exam.get(name, range);
  const std::string what = base::concat("get ", name, " from ", range.offset);
  if (!got) return pass(got, what);
  const Data wanted(
      data.begin() + static_cast<std::ptrdiff_t>(range.offset),
      range.length ? data.begin() + static_cast<std::ptrdiff_t>(range.offset + *range.length) : data.end());
  if (*got != wanted)
    return broken(base::concat(what, " gives other bytes (", got->size(), ", not ", wanted.size(), ")"));
  return {};
}

}  // namespace

Result<void> keys_follow_the_grammar(const Exam& exam) {
  const std::string long_part(200, 'k');
  std::vector<std::string> names = {"a",
                                    "0/0000000000000001-00000000000000ff.ltx",
                                    "my database.db/ltx/0/x",
                                    "d\xc3\xa9j\xc3\xa0 vu/\xe2\x82\xac",
                                    ".hidden",
                                    "..x",
                                    "folder.tmp/x",
                                    "_/" + std::string(255, 'k'),
                                    long_part + "/" + long_part + "/" + long_part};
  names.insert(names.end(), {"%2F%20+&=?#~@,;:!$'()[]{}*\"<>|^`", "back\\slash"});
  const auto refused = [&](const std::string& name) -> Result<bool> {
    auto put = exam.put(name, make_data(100 + name.size(), 1));
    if (put) return false;
    if (put.error().code == Errc::unsupported && name.find('\\') != std::string::npos) return true;
    return pass(put);
  };
  for (auto name = names.begin(); name != names.end();) {
    auto left_out = refused(*name);
    if (!left_out) return pass(left_out);
    name = *left_out ? names.erase(name) : std::next(name);
  }
  for (const std::string& name : names) {
    if (auto r = exam.expect_data(name, make_data(100 + name.size(), 1)); !r) return r;
  }
  return {};
}

Result<void> other_keys_are_refused(const Exam& exam) {
  const std::vector<std::string> names = {"",
                                          "/a",
                                          "a/",
                                          "a//b",
                                          ".",
                                          "..",
                                          "a/../b",
                                          "../a",
                                          "a/./b",
                                          "a\nb",
                                          "a\x7f",
                                          "\x01a",
                                          "a.tmp",
                                          "a/b.tmp",
                                          ".tmp",
                                          std::string("a\0b", 3),
                                          std::string(256, 'k'),
                                          std::string(256, 'k') + "/a"};
  for (const std::string& name : names) {
    if (auto r = refuses(exam, exam.key(name)); !r) return r;
  }
  std::string too_long = exam.key("a");
  while (too_long.size() <= 1024) too_long += "/" + std::string(100, 'k');
  for (const std::string& key : {std::string(), "/" + exam.key("a"), "../" + exam.key("a"), too_long}) {
    if (auto r = refuses(exam, key); !r) return r;
  }
  for (const std::string& prefix :
       {std::string("../"), std::string("/"), exam.key("../"), exam.key("/"), exam.key("\n")}) {
    auto listed = exam.backend().list(prefix, {}, [](const ObjectInfo&) { return true; }, exam.call());
    if (auto r = expect_error(listed, Errc::invalid_argument, "list of a bad prefix"); !r) return r;
  }
  return exam.expect_list({}, {}, {});
}

Result<void> missing_objects(const Exam& exam) {
  for (const std::string_view name : {"missing", "missing/folder/x"}) {
    if (auto r = exam.expect_absent(name); !r) return r;
    auto part = exam.get(name, {.offset = 1, .length = 1});
    if (auto r = expect_error(part, Errc::not_found, "get of a range of a missing object"); !r) return r;
    if (auto removed = exam.backend().remove(exam.key(name), exam.call()); !removed) return removed;
  }
  // A folder is no object, neither for get nor for remove.
  if (auto put = exam.put("folder/x", make_data(8, 1)); !put) return pass(put);
  if (auto r = exam.expect_absent("folder"); !r) return r;
  if (auto removed = exam.backend().remove(exam.key("folder"), exam.call()); !removed) return removed;
  return exam.expect_data("folder/x", make_data(8, 1));
}

Result<void> objects_of_any_size(const Exam& exam) {
  for (const std::size_t size : {std::size_t{0}, std::size_t{1}, std::size_t{65'537}, std::size_t{5} << 20U}) {
    const Data data = make_data(size, size);
    const std::string name = base::concat("size-", size);
    auto put = exam.put(name, data);
    if (!put) return pass(put);
    if (put->key != exam.key(name) || put->size != size) return broken("put returns another key or size than was put");
    if (auto r = exam.expect_data(name, data); !r) return r;
  }
  return {};
}

Result<void> ranges(const Exam& exam) {
  const Data data = make_data(1000, 7), nothing;
  if (auto put = exam.put("thousand", data); !put) return pass(put);
  if (auto put = exam.put("empty", nothing); !put) return pass(put);
  const ByteRange good[] = {{0, {}},  {0, 1000}, {0, 1},     {999, 1},  {999, {}}, {500, 250},
                            {1, 999}, {0, 0},    {1000, {}}, {1000, 0}, {500, 0}};
  for (const ByteRange& range : good) {
    if (auto r = gives(exam, "thousand", range, data); !r) return r;
  }
  if (auto r = gives(exam, "empty", {0, {}}, nothing); !r) return r;
  if (auto r = gives(exam, "empty", {0, 0}, nothing); !r) return r;
  const ByteRange bad[] = {{1000, 1}, {1001, {}}, {1001, 0}, {0, 1001}, {999, 2}, {5, kMax}, {kMax, {}}, {kMax, kMax}};
  for (const ByteRange& range : bad) {
    const std::string what = base::concat("get from ", range.offset, range.length ? " with a length" : " to the end");
    if (auto r = expect_error(exam.get("thousand", range), Errc::out_of_range, what); !r) return r;
  }
  return expect_error(exam.get("empty", {0, 1}), Errc::out_of_range, "get of a byte of an empty object");
}

Result<void> overwriting(const Exam& exam) {
  std::uint64_t seed = 0;
  for (const std::size_t size : {1000U, 10U, 100'000U, 0U, 10U}) {
    const Data data = make_data(size, ++seed);
    if (auto put = exam.put("object", data); !put) return pass(put);
    if (auto r = exam.expect_data("object", data); !r) return r;
  }
  return exam.expect_list({}, {}, {"object"});
}

Result<void> a_short_body_leaves_nothing(const Exam& exam) {
  const Data data = make_data(400, 1), old = make_data(100, 2);
  if (auto put = exam.put("old", old); !put) return pass(put);
  for (const std::string_view name : {"new", "old"}) {
    ShortSource body(data);
    auto put = exam.backend().put(exam.key(name), body, {}, exam.call());
    if (auto r = expect_error(put, Errc::corrupt, "put of a body that ends early"); !r) return r;
  }
  if (auto r = exam.expect_absent("new"); !r) return r;
  if (auto r = exam.expect_list({}, {}, {"old"}); !r) return r;
  return exam.expect_data("old", old);
}

Result<void> times_are_kept(const Exam& exam) {
  if (!exam.backend().capabilities().keeps_modified_at) return {};
  for (const std::string_view text : {"2021-02-03T04:05:06.789Z", "2038-01-19T03:14:08.001Z", "1999-12-31T23:59:59Z"}) {
    auto time = parse_rfc3339(text);
    if (!time) return pass(time);
    auto put = exam.put("object", make_data(10, 1), {.modified_at = *time});
    if (!put) return pass(put);
    auto info = exam.backend().stat(exam.key("object"), exam.call());
    if (!info) return pass(info);
    if (put->modified_at != *time) return broken(base::concat("put gives another time than ", text));
    if (info->modified_at != *time) return broken(base::concat("stat gives another time than ", text));
    std::vector<Timestamp> listed;
    const auto note = [&](const ObjectInfo& object) { return listed.push_back(object.modified_at), true; };
    if (auto r = exam.backend().list(exam.key("object"), {}, note, exam.call()); !r) return r;
    if (listed != std::vector{*time}) return broken(base::concat("list gives another time than ", text));
  }
  return {};
}

Result<void> removing(const Exam& exam) {
  for (const std::string_view name : {"a", "b", "folder/c"}) {
    if (auto put = exam.put(name, make_data(10, 1)); !put) return pass(put);
  }
  for (int i = 0; i < 2; ++i) {
    if (auto removed = exam.backend().remove(exam.key("b"), exam.call()); !removed) return removed;
    if (auto r = exam.expect_absent("b"); !r) return r;
  }
  if (auto r = exam.expect_list({}, {}, {"a", "folder/c"}); !r) return r;
  if (auto put = exam.put("b", make_data(20, 2)); !put) return pass(put);
  return exam.expect_data("b", make_data(20, 2));
}

}  // namespace replica::exam
