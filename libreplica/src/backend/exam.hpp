// What the conformance cases are written with.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "replica/conformance.hpp"

namespace replica::exam {

using Data = std::vector<std::byte>;

// `size` bytes that differ for every `seed`, the seed itself first when there is room: who reads them can tell that
// they are whole.
Data make_data(std::size_t size, std::uint64_t seed);
// The seed that `data` was made with, or broken when it was not made like that.
Result<std::uint64_t> seed_of(const Data& data);

// A failed expectation; `corrupt`, so that nothing takes it for a failure that passes by itself.
Failure broken(std::string message);

template <class T>
Result<void> expect_error(const Result<T>& result, Errc code, std::string_view what) {
  const std::string wanted = std::string(what) + " should be " + std::string(name(code));
  if (result) return broken(wanted + ", but it succeeded");
  if (result.error().code != code) {
    return broken(wanted + ", but it is " + std::string(name(result.error().code)) + " (" + result.error().message +
                  ")");
  }
  return {};
}

// A backend below a prefix.
class Exam {
 public:
  Exam(Backend& backend, std::string_view prefix, const Call& call)
      : backend_(backend), prefix_(std::string(prefix) + "/"), call_(call) {}

  Backend& backend() const noexcept { return backend_; }
  const Call& call() const noexcept { return call_; }
  std::string key(std::string_view name) const { return prefix_ + std::string(name); }

  Result<ObjectInfo> put(std::string_view name, const Data& data, const PutOptions& options = {}) const;
  Result<Data> get(std::string_view name, ByteRange range = {}) const;
  // Names of what is listed, without our prefix.
  Result<std::vector<std::string>> list(std::string_view name_prefix = {}, std::string_view after = {}) const;

  Result<void> expect_data(std::string_view name, const Data& data) const;  // by get, stat and list
  Result<void> expect_absent(std::string_view name) const;                  // by get, stat and list
  Result<void> expect_list(std::string_view name_prefix, std::string_view after,
                           const std::vector<std::string>& names) const;
  Result<void> clear() const;  // removes everything and looks that nothing is left

 private:
  Backend& backend_;
  std::string prefix_;
  const Call& call_;
};

// Runs task(0…count-1) at once, each in a thread of its own; the first failure of the lowest number.
Result<void> at_once(int count, const std::function<Result<void>(int)>& task);

using Case = Result<void> (*)(const Exam&);

// objects
Result<void> keys_follow_the_grammar(const Exam& exam);
Result<void> other_keys_are_refused(const Exam& exam);
Result<void> missing_objects(const Exam& exam);
Result<void> objects_of_any_size(const Exam& exam);
Result<void> ranges(const Exam& exam);
Result<void> overwriting(const Exam& exam);
Result<void> a_short_body_leaves_nothing(const Exam& exam);
Result<void> times_are_kept(const Exam& exam);
Result<void> removing(const Exam& exam);
// listings
Result<void> listings_are_in_order(const Exam& exam);
Result<void> listings_by_prefix(const Exam& exam);
Result<void> listings_of_many(const Exam& exam);
Result<void> listings_end_early(const Exam& exam);
Result<void> visitors_may_use_the_backend(const Exam& exam);
// calls and threads
Result<void> if_absent(const Exam& exam);
Result<void> if_absent_has_one_winner(const Exam& exam);
Result<void> readers_see_whole_objects(const Exam& exam);
Result<void> a_cancelled_put_leaves_nothing(const Exam& exam);
Result<void> a_stopped_call_does_nothing(const Exam& exam);
Result<void> a_call_past_its_deadline_does_nothing(const Exam& exam);

}  // namespace replica::exam
