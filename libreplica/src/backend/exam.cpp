#include "backend/exam.hpp"

#include <algorithm>
#include <cstring>
#include <thread>

#include "base/text.hpp"

namespace replica::exam {

Data make_data(std::size_t size, std::uint64_t seed) {
  Data data(size);
  std::uint64_t state = seed * 0x9e3779b97f4a7c15U + 1;
  for (std::byte& byte : data) {
    state ^= state << 13U;
    state ^= state >> 7U;
    state ^= state << 17U;
    byte = static_cast<std::byte>(state);
  }
  if (size >= sizeof seed) std::memcpy(data.data(), &seed, sizeof seed);
  return data;
}

Result<std::uint64_t> seed_of(const Data& data) {
  std::uint64_t seed = 0;
  if (data.size() < sizeof seed) return broken("an object is cut short");
  std::memcpy(&seed, data.data(), sizeof seed);
  if (data != make_data(data.size(), seed)) return broken("an object is a mixture of two");
  return seed;
}

Failure broken(std::string message) { return fail(Errc::corrupt, std::move(message)); }

Result<ObjectInfo> Exam::put(std::string_view name, const Data& data, const PutOptions& options) const {
  MemorySource body(data);
  return backend_.put(key(name), body, options, call_);
}

Result<Data> Exam::get(std::string_view name, ByteRange range) const {
  MemorySink sink;
  auto got = backend_.get(key(name), range, sink, call_);
  if (!got) return pass(got);
  if (*got != sink.data().size())
    return broken(base::concat("get says ", *got, " bytes and gives ", sink.data().size()));
  return sink.take();
}

Result<std::vector<std::string>> Exam::list(std::string_view name_prefix, std::string_view after) const {
  std::vector<std::string> names;
  const auto note = [&](const ObjectInfo& object) {
    names.push_back(object.key.starts_with(prefix_) ? object.key.substr(prefix_.size()) : object.key);
    return true;
  };
  auto listed = backend_.list(key(name_prefix), after.empty() ? std::string() : key(after), note, call_);
  if (!listed) return pass(listed);
  return names;
}

Result<void> Exam::expect_list(std::string_view name_prefix, std::string_view after,
                               const std::vector<std::string>& names) const {
  auto listed = list(name_prefix, after);
  if (!listed) return pass(listed);
  if (*listed == names) return {};
  std::string text = base::concat("list of '", name_prefix, "' after '", after, "' gives ", listed->size(), " of ",
                                  names.size(), " expected names");
  const auto [got, wanted] = std::mismatch(listed->begin(), listed->end(), names.begin(), names.end());
  if (got != listed->end()) text += base::concat("; '", *got, "'");
  if (wanted != names.end()) text += base::concat("; not '", *wanted, "'");
  return broken(std::move(text));
}

Result<void> Exam::expect_data(std::string_view name, const Data& data) const {
  auto got = get(name);
  if (!got) return pass(got);
  if (*got != data) return broken(base::concat("get ", name, " does not give what was put"));
  auto info = backend_.stat(key(name), call_);
  if (!info) return pass(info);
  if (info->size != data.size() || info->key != key(name)) return broken(base::concat("stat ", name, " is wrong"));
  bool seen = false;
  const auto look = [&](const ObjectInfo& object) {
    seen = seen || (object.key == key(name) && object.size == data.size());
    return true;
  };
  if (auto listed = backend_.list(key(name), {}, look, call_); !listed) return listed;
  if (!seen) return broken(base::concat(name, " is not listed with its size"));
  return {};
}

Result<void> Exam::expect_absent(std::string_view name) const {
  if (auto r = expect_error(get(name), Errc::not_found, base::concat("get ", name)); !r) return r;
  auto info = backend_.stat(key(name), call_);
  if (auto r = expect_error(info, Errc::not_found, base::concat("stat ", name)); !r) return r;
  auto names = list(name);
  if (!names) return pass(names);
  if (std::find(names->begin(), names->end(), name) != names->end()) {
    return broken(base::concat(name, " is listed but missing"));
  }
  return {};
}

Result<void> Exam::clear() const {
  auto names = list();
  if (!names) return pass(names, "clear");
  const auto remove_share = [&](int share) -> Result<void> {
    for (std::size_t i = static_cast<std::size_t>(share); i < names->size(); i += 8) {
      if (auto removed = backend_.remove(key((*names)[i]), call_); !removed) return pass(removed, "clear");
    }
    return {};
  };
  if (auto removed = at_once(8, remove_share); !removed) return removed;
  return expect_list({}, {}, {});
}

Result<void> at_once(int count, const std::function<Result<void>(int)>& task) {
  std::vector<Result<void>> results(static_cast<std::size_t>(count));
  {
    std::vector<std::jthread> threads;
    threads.reserve(results.size());
    for (int i = 0; i < count; ++i) {
      threads.emplace_back([&, i] { results[static_cast<std::size_t>(i)] = task(i); });
    }
  }
  for (auto& result : results) {
    if (!result) return result;
  }
  return {};
}

}  // namespace replica::exam
