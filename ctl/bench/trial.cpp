#include "bench/trial.hpp"

#include "bench/noise.hpp"
#include "bench/path.hpp"
#include "bench/store.hpp"
#include "config/build.hpp"

namespace litestreamctl::bench {

using replica::Errc;
using replica::pass;
using replica::Result;

namespace {

// None when there is nothing to restore.
Result<std::optional<Content>> content_of(const replica::Replica& replica, const replica::Call& call) {
  auto plan = replica::plan_restore(replica, {}, call);
  if (!plan && plan.error().code == Errc::not_found) return std::nullopt;
  if (!plan) return pass(plan);
  auto newest = replica.read_header(plan->files.back(), call);
  if (!newest) return pass(newest);
  Content content{
      .files = plan->files.size(), .bytes = 0, .database_bytes = std::uint64_t{newest->page_size} * newest->commit};
  for (const replica::LtxFileInfo& file : plan->files) content.bytes += file.size;
  return content;
}

class Trying {
 public:
  Trying(const config::ReplicaSettings& settings, const TrialPlan& plan, const Meter& meter)
      : settings_(settings), plan_(plan), meter_(meter), backend_(config::open_backend(settings)) {
    trial_.store = settings.location;
    trial_.type = settings.type;
    trial_.prefix = own_prefix("bench");
    trial_.subject.database_bytes = plan.database_bytes;
    if (settings.sync_interval) trial_.subject.sync_interval = config::to_milliseconds(*settings.sync_interval);
  }

  Trial run() {
    if (auto done = measure(); !done) trial_.error = done.error();
    clear();
    if (trial_.measured && trial_.path) expect_all();
    return std::move(trial_);
  }

 private:
  // Also connects, so that no measurement has that in it.
  Result<void> put_first() {
    NoiseSource body(0, kSmall);
    auto stored = backend_->put(trial_.prefix + "/first", body, {}, meter_.call);
    something_put_ = stored.has_value();
    return stored ? Result<void>() : Result<void>(pass(stored, "put"));
  }

  Result<void> measure() {
    if (auto done = put_first(); !done) return done;
    auto measured =
        measure_store(backend_, {.prefix = trial_.prefix, .size = plan_.size, .time = plan_.time / 4}, meter_);
    if (!measured) return pass(measured);
    trial_.measured = *measured;
    auto path = measure_path({.directory = plan_.directory,
                              .store = settings_,
                              .prefix = trial_.prefix,
                              .size = plan_.size,
                              .time = plan_.time * 3 / 4},
                             meter_);
    if (!path) return pass(path);
    trial_.path = *path;
    read_content();
    return {};
  }

  void read_content() {
    auto content = content_of(config::open_replica(settings_), meter_.call);
    if (content) {
      trial_.content = trial_.subject.content = *content;
    } else {
      trial_.warnings.push_back(
          {"unreadable_replica", "what the replica holds now cannot be read: " + content.error().message});
    }
  }

  void clear() {
    Cleared cleared = clear_below(*backend_, trial_.prefix);
    // Of a store where nothing can be put and nothing be listed the first error says it all.
    if (!something_put_ && cleared.left.empty()) return;
    if (cleared.error) trial_.warnings.push_back({"left", what_is_left(cleared, trial_.prefix)});
    trial_.cleared = std::move(cleared);
  }

  void expect_all() {
    trial_.expected = expect({.disk = plan_.disk, .store = *trial_.measured, .path = *trial_.path}, trial_.subject);
    const auto& more = trial_.expected->warnings;
    trial_.warnings.insert(trial_.warnings.begin(), more.begin(), more.end());
  }

  const config::ReplicaSettings& settings_;
  const TrialPlan& plan_;
  const Meter& meter_;
  std::shared_ptr<replica::Backend> backend_;
  Trial trial_;
  bool something_put_ = false;
};

}  // namespace

bool Trial::passed() const { return !error && (!cleared.error || cleared.error->code == Errc::permission_denied); }

Trial try_store(const config::ReplicaSettings& settings, const TrialPlan& plan, const Meter& meter) {
  return Trying(settings, plan, meter).run();
}

}  // namespace litestreamctl::bench
