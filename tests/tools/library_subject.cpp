#include <algorithm>
#include <atomic>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <mutex>
#include <span>
#include <thread>

#include "neighbour.hpp"
#include "replica/replicator.hpp"
#include "replica/restore.hpp"
#include "subject.hpp"

namespace tools {
namespace {

using namespace replica;
using namespace std::chrono_literals;

std::string describe(const Error& error) {
  return std::string(name(error.code)) + ": " + error.message + (error.hint.empty() ? "" : " (" + error.hint + ")");
}

Call within(std::chrono::seconds patience) {
  Call call;
  call.deadline = std::chrono::steady_clock::now() + patience;
  return call;
}

bool same_bytes(const std::string& a, const std::string& b) {
  std::ifstream one(a, std::ios::binary), other(b, std::ios::binary);
  using Bytes = std::istreambuf_iterator<char>;
  return std::equal(Bytes(one), Bytes(), Bytes(other), Bytes());
}

// One in eleven calls fails, before it is done or after; not every eleventh, for a listing of all levels and a header
// are just as many, and a retry would meet the same one for ever. Which of them is drawn from their number.
std::shared_ptr<Backend> make_flaky(const std::string& directory) {
  const auto count = std::make_shared<std::atomic<std::uint64_t>>(0);
  return make_faulty_backend(
      make_file_backend({directory}), [count](std::string_view, std::string_view) -> std::optional<Fault> {
        const std::uint64_t n = Random(++*count).next();
        if (n % 11 != 0) return std::nullopt;
        return Fault{.error = {Errc::unavailable, "the mirror is away", {}}, .after = n % 2 == 0};
      });
}

// What the replicator says, in the directory of the trial: kept with it.
class LogFile final : public Logger {
 public:
  explicit LogFile(const std::string& path) : out_(path, std::ios::app) {}
  bool enabled(LogLevel) const noexcept override { return true; }
  void write(LogLevel, std::string_view message, std::span<const LogField> fields) override {
    const std::lock_guard guard(lock_);
    out_ << to_rfc3339(std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now())) << ' '
         << message;
    for (const LogField& field : fields) out_ << ' ' << field.key << '=' << field.value;
    out_ << std::endl;  // what follows may be a crash
  }

 private:
  std::mutex lock_;
  std::ofstream out_;
};

class LibrarySubject final : public Subject {
 public:
  explicit LibrarySubject(const SubjectSettings& settings)
      : s_(settings), backend_(make_file_backend({settings.replica()})) {
    if (s_.mirrored) mirror_ = make_flaky(s_.mirror());
    if (s_.crowded) neighbour_ = std::make_unique<Neighbour>(s_.directory);
  }

  std::string start() override {
    if (!replicator_) {
      replicator_ = std::make_unique<Replicator>(options());
      if (auto added = replicator_->add(config()); !added) return "add: " + describe(added.error());
      if (std::string wrong = start_neighbour(); !wrong.empty()) return wrong;
    }
    std::string wrong = patiently("start", [&] { return replicator_->start(s_.database(), true, within(60s)); });
    const auto status = replicator_->status(s_.database());
    if (status && status->hibernating && status->hibernations == hibernations_) ++counters_["starts at rest"];
    return wrong;
  }

  std::string stop() override {
    std::string wrong = patiently("stop", [&] { return replicator_->stop(s_.database(), within(60s)); });
    if (const auto status = replicator_->status(s_.database())) hibernations_ = status->hibernations;
    return wrong;
  }

  std::string crash() override {
    remember();
    replicator_.reset();
    hibernations_ = 0;
    return "";
  }

  std::string sync() override {
    bool all = true;
    std::string wrong = patiently("sync", [&] {
      auto outcome = replicator_->sync(s_.database(), true, within(60s));
      all = !outcome || outcome->replicated_txid >= outcome->txid;
      return outcome;
    });
    if (!all) return "sync(wait) returned before everything was on the replica";
    return wrong.empty() ? check_neighbour() : wrong;
  }

  std::string snapshot() override {
    if (s_.mirrored) return patiently("snapshot", [&] { return replicator_->snapshot(s_.database(), within(60s)); });
    auto txid = replicator_->snapshot(s_.database(), within(60s));
    return txid ? "" : "snapshot: " + describe(txid.error());
  }

  std::string restore(const std::string& output, std::uint64_t txid) override {
    std::uint64_t on_all = 0;
    if (replicator_) {
      if (const auto status = replicator_->status(s_.database())) on_all = status->replicated_txid.value;
    }
    std::uint64_t reached = 0, mirror_reached = 0;
    std::string wrong = restore_from(backend_, output, txid, reached);
    if (!wrong.empty() || txid != 0 || !s_.mirrored) return wrong;
    const std::string mirrored = output + ".mirror";
    wrong = restore_from(make_file_backend({s_.mirror()}), mirrored, 0, mirror_reached);
    if (!wrong.empty()) return "mirror: " + wrong;
    // While writers write, each replica is where it is.
    if (reached == mirror_reached) {
      ++counters_["restores equal to the mirror's"];
      if (!same_bytes(output, mirrored)) return "the mirror holds something else";
    }
    if (std::min(reached, mirror_reached) < on_all)
      return "both replicas should reach " + TxId{on_all}.text() + ": " + TxId{reached}.text() + ", " +
             TxId{mirror_reached}.text();
    std::filesystem::remove(mirrored);
    return "";
  }

  std::map<std::string, std::int64_t> counters() override {
    remember();
    return counters_;
  }

 private:
  static std::string restore_from(const std::shared_ptr<Backend>& store, const std::string& output, std::uint64_t txid,
                                  std::uint64_t& reached) {
    const Replica replica(store, "");
    RestoreTarget target;
    if (txid != 0) target.txid = TxId{txid};
    RestoreOptions options;
    options.output = output;
    options.parallelism = 2;
    // Compaction and retention go on: a planned file may be gone when it is fetched. A new plan then must do.
    std::string wrong;
    for (int attempt = 0; attempt < 20; ++attempt) {
      auto plan = plan_restore(replica, target, within(60s));
      if (!plan) return "plan: " + describe(plan.error());
      auto outcome = apply_restore(replica, *plan, options, within(60s));
      if (outcome) reached = outcome->txid.value;
      if (outcome) return txid == 0 || outcome->txid.value == txid ? "" : "restore stopped at " + outcome->txid.text();
      wrong = "restore: " + describe(outcome.error());
      if (outcome.error().code != Errc::not_found) return wrong;
    }
    return wrong;
  }

  std::string start_neighbour() {
    if (!neighbour_) return "";
    if (auto added = replicator_->add(neighbour_->config()); !added)
      return "add the neighbour: " + describe(added.error());
    return patiently("start the neighbour", [&] { return replicator_->start(neighbour_->path(), true, within(60s)); });
  }

  std::string check_neighbour() {
    if (!neighbour_) return "";
    const std::int64_t promised = neighbour_->committed();
    std::string wrong =
        patiently("sync the neighbour", [&] { return replicator_->sync(neighbour_->path(), true, within(60s)); });
    if (wrong.empty()) wrong = neighbour_->check(promised, within(60s));
    if (!wrong.empty()) return "neighbour: " + wrong;
    ++counters_["restores of a neighbour"];
    return "";
  }

  DatabaseConfig config() const {
    using ms = DatabaseConfig::ms;
    DatabaseConfig c;
    c.path = s_.database();
    c.monitor_interval = ms(s_.monitor_ms);
    c.checkpoint_interval = ms(s_.checkpoint_ms);
    c.hibernate_after = ms(s_.hibernate_ms);
    c.min_checkpoint_page_count = s_.min_checkpoint_pages;
    c.truncate_page_n = s_.truncate_pages;
    c.max_sync_wal_bytes = s_.max_sync_wal_bytes;
    c.backend = backend_;
    c.replica_url = "file://" + s_.replica();
    c.sync_interval = ms(s_.sync_ms);
    if (mirror_)
      c.more_replicas.push_back({.backend = mirror_, .url = "file://" + s_.mirror(), .sync_interval = c.sync_interval});
    return c;
  }

  ReplicatorOptions options() const {
    using ms = ReplicatorOptions::ms;
    ReplicatorOptions o;
    o.levels.clear();
    for (int level : s_.levels_ms) o.levels.emplace_back(level);
    o.snapshot_interval = ms(s_.snapshot_ms);
    o.snapshot_retention = ms(s_.snapshot_retention_ms);
    o.l0_retention = ms(s_.l0_retention_ms);
    o.l0_retention_check_interval = ms(s_.l0_retention_check_ms);
    o.threads = 2;
    o.logger = &log_;
    if (s_.crowded) o.max_open_databases = 1;
    if (s_.loses_events) o.loses_event = [n = 0U]() mutable { return (++n * 2'654'435'761U & 0x8000U) != 0; };
    return o;
  }

  // A busy database is the application's right (a vacuum holds it), and a mirror that is away ours; it passes.
  template <class F>
  std::string patiently(const char* what, const F& call) {
    const auto end = std::chrono::steady_clock::now() + 10s;
    for (;;) {
      auto result = call();
      if (result) return "";
      const bool passes =
          result.error().code == Errc::busy || (s_.mirrored && result.error().code == Errc::unavailable);
      if (!passes || std::chrono::steady_clock::now() > end) {
        return std::string(what) + ": " + describe(result.error());
      }
      std::this_thread::sleep_for(5ms);
    }
  }

  void remember() {
    if (!replicator_) return;
    auto status = replicator_->status(s_.database());
    if (!status) return;
    counters_["easy checkpoints"] += static_cast<std::int64_t>(status->checkpoints_passive);
    counters_["hard checkpoints"] += static_cast<std::int64_t>(status->checkpoints_hard);
    counters_["steps aside"] += static_cast<std::int64_t>(status->steps_aside);
    counters_["restarts meanwhile"] += static_cast<std::int64_t>(status->restarts_aside);
    counters_["hibernations"] += static_cast<std::int64_t>(status->hibernations);
    counters_["re-anchorings"] += static_cast<std::int64_t>(status->reanchors);
    counters_["uploads"] += static_cast<std::int64_t>(status->uploads);
  }

  SubjectSettings s_;
  std::shared_ptr<Backend> backend_, mirror_;
  mutable LogFile log_{s_.directory + "/log"};
  std::unique_ptr<Neighbour> neighbour_;
  std::unique_ptr<Replicator> replicator_;
  std::uint64_t hibernations_ = 0;  // of it by the last stop
  std::map<std::string, std::int64_t> counters_;
};

}  // namespace

std::unique_ptr<Subject> make_library_subject(const SubjectSettings& settings) {
  return std::make_unique<LibrarySubject>(settings);
}

}  // namespace tools
