#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <random>

#include "base/text.hpp"
#include "replica/backend.hpp"

namespace replica {
namespace {

using std::chrono::milliseconds;

// Compares what is written to it with a source.
class ComparingSink final : public Sink {
 public:
  explicit ComparingSink(Source& source) : source_(source) {}
  bool differs() const noexcept { return differs_; }

  Result<void> write(Bytes data) override {
    std::vector<std::byte> expected(data.size());
    auto read = read_exactly(source_, expected);
    const bool longer = !read && read.error().code == Errc::corrupt;
    if (!read && !longer) return read;
    differs_ = longer || !std::equal(data.begin(), data.end(), expected.begin());
    if (differs_) return fail(Errc::precondition_failed, "the object has other bytes");
    return {};
  }
  Result<void> reset() override {
    differs_ = false;
    return source_.rewind();
  }

 private:
  Source& source_;
  bool differs_ = false;
};

void wait_for(milliseconds pause, const Call& call) {
  std::mutex mutex;
  std::condition_variable_any stopped;
  std::unique_lock lock(mutex);
  stopped.wait_for(lock, call.stop, pause, [] { return false; });
}

class RetryingBackend final : public Backend {
 public:
  RetryingBackend(std::shared_ptr<Backend> inner, RetryOptions options)
      : inner_(std::move(inner)), options_(std::move(options)), random_(std::random_device{}()) {
    if (!options_.wait) options_.wait = wait_for;
  }

  std::string_view type() const noexcept override { return inner_->type(); }
  Capabilities capabilities() const noexcept override { return inner_->capabilities(); }
  std::string url() const override { return inner_->url(); }
  bool counts_requests() const noexcept override { return inner_->counts_requests(); }

  Result<ObjectInfo> put(std::string_view key, Source& body, const PutOptions& options, const Call& call) override;
  Result<std::uint64_t> get(std::string_view key, ByteRange range, Sink& out, const Call& call) override;
  Result<ObjectInfo> stat(std::string_view key, const Call& call) override;
  Result<void> list(std::string_view prefix, std::string_view after, const Visitor& visitor, const Call& call) override;
  Result<void> remove(std::string_view key, const Call& call) override;
  Result<void> remove_folders(std::string_view name, const Call& call) override {
    return retry(base::concat("remove folders ", name), call,
                 [&](int, const Call& one) { return inner_->remove_folders(name, one); });
  }
  void rest() noexcept override { inner_->rest(); }

 private:
  template <class Attempt>
  auto retry(std::string_view what, const Call& call, Attempt attempt) -> decltype(attempt(0, call));
  template <class T>
  bool may_go_on(Result<T>& result, std::string_view what, int failures, const Call& call);
  milliseconds pause_after(int failures);
  Result<ObjectInfo> settle_conflict(std::string_view key, Source& body, Error conflict, const Call& call);

  std::shared_ptr<Backend> inner_;
  RetryOptions options_;
  std::mutex mutex_;
  std::minstd_rand random_;  // guarded by mutex_
};

milliseconds RetryingBackend::pause_after(int failures) {
  milliseconds pause = options_.first_pause;
  for (int i = 1; i < failures && pause < options_.longest_pause; ++i) pause *= 2;
  pause = std::min(pause, options_.longest_pause);
  const std::scoped_lock lock(mutex_);
  return milliseconds(std::uniform_int_distribution<milliseconds::rep>(pause.count() / 2, pause.count())(random_));
}

// Waits before the next attempt. False when there is none; then `result` says why.
template <class T>
bool RetryingBackend::may_go_on(Result<T>& result, std::string_view what, int failures, const Call& call) {
  if (!is_retryable(result.error()) || !call.check(what)) return false;
  milliseconds pause = pause_after(failures);
  // On top of what was asked for, so that those who were told the same time do not come back together.
  if (const auto asked = result.error().retry_after) pause += std::min(*asked, options_.longest_asked_pause);
  const bool in_time = !call.deadline || std::chrono::steady_clock::now() + pause < *call.deadline;
  if (failures >= options_.attempts || !in_time) {
    if (failures > 1) result = pass(result, base::concat("gave up after ", failures, " attempts"));
    return false;
  }
  options_.wait(pause, call);
  if (auto going = call.check(what); !going) {
    result = pass(going, result.error().message);
    return false;
  }
  return true;
}

// `attempt` is told how many have failed before it, its Call too.
template <class Attempt>
auto RetryingBackend::retry(std::string_view what, const Call& call, Attempt attempt) -> decltype(attempt(0, call)) {
  Call numbered = call;
  for (int failures = 0;;) {
    numbered.attempt = call.attempt + failures;
    auto result = attempt(failures, numbered);
    if (result) return result;
    if (!may_go_on(result, what, ++failures, call)) return result;
  }
}

Result<ObjectInfo> RetryingBackend::put(std::string_view key, Source& body, const PutOptions& options,
                                        const Call& call) {
  return retry(base::concat("put ", key), call, [&](int failures, const Call& one) -> Result<ObjectInfo> {
    if (failures > 0) {
      if (auto rewound = body.rewind(); !rewound) return pass(rewound, "rewind body");
    }
    auto stored = inner_->put(key, body, options, one);
    const bool in_doubt = options.if_absent && failures > 0;
    if (stored || !in_doubt || stored.error().code != Errc::precondition_failed) return stored;
    return settle_conflict(key, body, std::move(stored.error()), call);
  });
}

// The key is taken, perhaps by an attempt of ours that was reported as failed although it was stored.
Result<ObjectInfo> RetryingBackend::settle_conflict(std::string_view key, Source& body, Error conflict,
                                                    const Call& call) {
  auto found = stat(key, call);
  if (!found && found.error().code == Errc::not_found) return Failure(std::move(conflict));
  if (!found) return found;
  if (found->size != body.size()) return Failure(std::move(conflict));
  if (auto rewound = body.rewind(); !rewound) return pass(rewound, "rewind body");
  ComparingSink same(body);
  auto compared = get(key, {}, same, call);
  if (same.differs() || (compared && *compared != body.size())) return Failure(std::move(conflict));
  if (!compared) return pass(compared);
  return found;
}

Result<std::uint64_t> RetryingBackend::get(std::string_view key, ByteRange range, Sink& out, const Call& call) {
  return retry(base::concat("get ", key), call, [&](int failures, const Call& one) -> Result<std::uint64_t> {
    if (failures > 0) {
      if (auto reset = out.reset(); !reset) return pass(reset);
    }
    return inner_->get(key, range, out, one);
  });
}

Result<ObjectInfo> RetryingBackend::stat(std::string_view key, const Call& call) {
  return retry(base::concat("stat ", key), call, [&](int, const Call& one) { return inner_->stat(key, one); });
}

Result<void> RetryingBackend::list(std::string_view prefix, std::string_view after, const Visitor& visitor,
                                   const Call& call) {
  std::string last(after);
  bool enough = false;
  const auto noting = [&](const ObjectInfo& object) {
    last = object.key;
    enough = !visitor(object);
    return !enough;
  };
  return retry(base::concat("list ", prefix), call, [&](int, const Call& one) -> Result<void> {
    // NOLINTNEXTLINE(performance-unnecessary-copy-initialization)
    const std::string from = last;  // a view of `last` would move under the listing
    auto listed = inner_->list(prefix, from, noting, one);
    if (enough) return {};
    return listed;
  });
}

Result<void> RetryingBackend::remove(std::string_view key, const Call& call) {
  return retry(base::concat("remove ", key), call, [&](int, const Call& one) { return inner_->remove(key, one); });
}

}  // namespace

std::unique_ptr<Backend> make_retrying_backend(std::shared_ptr<Backend> inner, RetryOptions options) {
  return std::make_unique<RetryingBackend>(std::move(inner), std::move(options));
}

}  // namespace replica
