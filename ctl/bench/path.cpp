#include "bench/path.hpp"

#include <condition_variable>
#include <filesystem>
#include <mutex>

#include "bench/compare.hpp"
#include "bench/sample_database.hpp"
#include "bench/workspace.hpp"
#include "config/build.hpp"
#include "config/stores.hpp"
#include "replica/restore.hpp"

namespace litestreamctl::bench {

using replica::pass;
using replica::Result;

namespace {

// A commit after so much quiet is captured and uploaded at once, as one after the sync-interval of a user's database
// is; the short interval is for more of them in the time there is.
constexpr std::chrono::milliseconds kSyncInterval{50};
constexpr std::chrono::milliseconds kQuiet = 3 * kSyncInterval;
constexpr std::chrono::seconds kPatience{120};  // for a commit to become durable

Result<void> be_quiet(const replica::Call& call) {
  std::mutex mutex;
  std::condition_variable_any changed;
  std::unique_lock lock(mutex);
  changed.wait_for(lock, call.stop, kQuiet, [] { return false; });
  return call.check("wait");
}

class PathRun {
 public:
  PathRun(const PathPlan& plan, const Workspace& workspace, const Meter& meter)
      : plan_(plan),
        meter_(meter),
        workspace_(workspace),
        key_prefix_(plan.prefix + "/db"),
        restored_(workspace.file("restored.db")),
        replica_(config::open_backend(plan.store), key_prefix_, config::kind_named(plan.store.type).value()->layout) {}

  Result<PathMeasures> run() {
    auto sample = SampleDatabase::create(workspace_.file("sample.db"), plan_.size, meter_.call);
    if (!sample) return pass(sample);
    sample_file_.open(sample->path(), std::ios::binary);
    if (auto done = replicate(*sample); !done) return pass(done);
    if (auto closed = sample->close(); !closed) return pass(closed);
    if (auto done = restore("restore of all commits", out_.restore_all); !done) return pass(done);
    return out_;
  }

 private:
  Result<void> replicate(SampleDatabase& sample) {
    replica::Replicator replicator({.maintain = false});
    if (auto done = first_copy(replicator, sample.path()); !done) return pass(done, "first copy");
    // No transaction was written to the log yet, so that the file is the database.
    if (auto done = restore("restore", out_.restore); !done) return done;
    if (auto done = lag(replicator, sample); !done) return pass(done, "commit after quiet");
    if (auto done = syncs(replicator, sample); !done) return pass(done, "commit and sync");
    auto stopped = replicator.stop(sample.path(), meter_.call);
    return stopped ? Result<void>() : Result<void>(pass(stopped, "final upload"));
  }

  Result<void> first_copy(replica::Replicator& replicator, const std::string& path) {
    config::DatabaseSettings settings;
    settings.path = path;
    settings.replica = plan_.store;
    replica::DatabaseConfig config = config::database_config(settings);
    config.backend_path = key_prefix_;
    config.sync_interval = kSyncInterval;
    std::error_code error;
    out_.first_copy.bytes = std::filesystem::file_size(path, error);
    if (auto added = replicator.add(std::move(config)); !added) return added;
    const auto begin = meter_.clock.steady();
    if (auto started = replicator.start(path, true, meter_.call); !started) return started;
    if (auto synced = replicator.sync(path, true, meter_.call); !synced) return pass(synced);
    out_.first_copy.ms = meter_.since(begin).count();
    auto status = replicator.status(path);
    if (!status) return pass(status);
    out_.copied_bytes = status->upload_bytes;
    return {};
  }

  Result<void> lag(replica::Replicator& replicator, SampleDatabase& sample) {
    auto lag = repeated_ms(meter_, {.time = plan_.time * 3 / 4, .most = 100}, [&](std::size_t) -> Result<Ms> {
      if (auto quiet = be_quiet(meter_.call); !quiet) return pass(quiet);
      const std::uint64_t seen = replicator.events().next();
      if (auto done = sample.commit(); !done) return pass(done);
      const auto begin = meter_.clock.steady();
      if (auto durable = await_synced(replicator, sample.path(), seen); !durable) return pass(durable);
      return meter_.since(begin);
    });
    if (!lag) return pass(lag);
    out_.lag = *lag;
    return {};
  }

  // Nobody hurries the upload: the event comes when the replicator has done it in its own time.
  Result<void> await_synced(replica::Replicator& replicator, const std::string& path, std::uint64_t from) {
    replica::EventBus& events = replicator.events();
    const replica::Call call{.stop = meter_.call.stop, .deadline = std::chrono::steady_clock::now() + kPatience};
    while (events.wait(from, call)) {
      auto batch = events.read(from, {.kinds = {replica::EventKind::synced, replica::EventKind::error}}, 100);
      if (!batch) return pass(batch);
      for (const replica::Event& event : batch->events) {
        if (event.kind == replica::EventKind::synced) return {};
        auto status = replicator.status(path);
        if (status && status->last_error) return replica::Failure(*status->last_error);
      }
      from = batch->next;
    }
    return call.check("wait for the replica");
  }

  Result<void> syncs(replica::Replicator& replicator, SampleDatabase& sample) {
    auto spread = repeated(meter_, {.time = plan_.time / 4, .most = 300}, [&](std::size_t) -> Result<void> {
      if (auto done = sample.commit(); !done) return done;
      auto synced = replicator.sync(sample.path(), true, meter_.call);
      return synced ? Result<void>() : Result<void>(pass(synced));
    });
    if (!spread) return pass(spread);
    out_.sync = *spread;
    return {};
  }

  Result<void> restore(const char* what, Transfer& out) {
    const auto begin = meter_.clock.steady();
    auto plan = replica::plan_restore(replica_, {}, meter_.call);
    if (!plan) return pass(plan, what);
    const replica::RestoreOptions options{.output = restored_, .force = true, .parallelism = kReaders};
    auto done = replica::apply_restore(replica_, *plan, options, meter_.call);
    if (!done) return pass(done, what);
    out = {.bytes = std::uint64_t{done->page_size} * done->commit, .ms = meter_.since(begin).count()};
    out_.restore_all_files = plan->files.size();
    auto same = compare(sample_file_, restored_, meter_.call);
    return same ? same : Result<void>(pass(same, what));
  }

  const PathPlan& plan_;
  const Meter& meter_;
  const Workspace& workspace_;
  std::string key_prefix_, restored_;
  replica::Replica replica_;
  std::ifstream sample_file_;  // open until the database is closed: see compare()
  PathMeasures out_;
};

}  // namespace

Result<PathMeasures> measure_path(const PathPlan& plan, const Meter& meter) {
  auto workspace = Workspace::create(plan.directory, 0);
  if (!workspace) return pass(workspace);
  return PathRun(plan, *workspace, meter).run();
}

}  // namespace litestreamctl::bench
