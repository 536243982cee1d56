#include "trial.hpp"

#include <chrono>
#include <filesystem>
#include <thread>

#include "digest.hpp"
#include "ledger.hpp"
#include "process.hpp"
#include "replica_files.hpp"
#include "writer.hpp"

namespace tools {
namespace {

using namespace std::chrono_literals;

class Trial {
 public:
  explicit Trial(const TrialOptions& options)
      : options_(options),
        random_(options.seed ^ 0xA5A5A5A5U),
        settings_(SubjectSettings::by_seed(options.directory, random_)) {}

  TrialResult run() {
    std::string wrong = body();
    if (subject_) {
      for (const auto& [name, count] : subject_->counters()) result_.counters[name] += count;
    }
    if (!wrong.empty()) result_.wrong = wrong + "\n    settings: " + settings_.text();
    return std::move(result_);
  }

 private:
  std::string body() {
    if (std::string wrong = prepare(); !wrong.empty()) return wrong;
    while (writers_running()) {
      std::this_thread::sleep_for(std::chrono::milliseconds(random_.between(1, 120)));
      if (std::string wrong = disturb(); !wrong.empty()) return wrong;
    }
    if (std::string wrong = writers_unharmed(); !wrong.empty()) return wrong;
    if (std::string wrong = restart_at_rest(); !wrong.empty()) return wrong;
    return compare_at_the_end();
  }

  std::string prepare() {
    const DatabaseShape shape = shape_for(options_.seed);
    if (std::string wrong = create_database(settings_.database(), shape, options_.seed); !wrong.empty()) return wrong;
    if (random_.chance(0.3)) start_writers();  // attach in full swing
    subject_ = options_.make_subject(settings_);
    if (std::string wrong = subject_->start(); !wrong.empty()) return "first start: " + wrong;
    start_writers();
    return "";
  }

  void start_writers() {
    if (!writers_.empty()) return;
    const int count = random_.pick({1, 1, 2, 2, 3, 4});
    for (int i = 1; i <= count; ++i) {
      std::vector<std::string> command = {program_directory() + "/workload", "write", settings_.database()};
      command.insert(command.end(), {"--index", std::to_string(i), "--seed", std::to_string(options_.seed), "--seconds",
                                     std::to_string(options_.seconds), "--ledger", log_path(i)});
      ProcessOptions output;
      output.output = options_.directory + "/writer." + std::to_string(i) + ".out";
      writers_.push_back(Process::start(command, output));
    }
  }

  std::string log_path(int writer) const { return options_.directory + "/ledger." + std::to_string(writer); }

  bool writers_running() {
    bool any = false;
    for (Process& writer : writers_) any |= writer.running();
    return any;
  }

  std::string writers_unharmed() {
    for (std::size_t i = 0; i < writers_.size(); ++i) {
      const int status = writers_[i].wait(1s).value_or(-1);
      if (status == 0) continue;
      return "writer " + std::to_string(i + 1) + " ended with " + std::to_string(status) + ": " +
             read_file(options_.directory + "/writer." + std::to_string(i + 1) + ".out");
    }
    return "";
  }

  std::string disturb() {
    const int choice = random_.between(0, 99);
    if (choice < 30) return count("syncs", subject_->sync());
    if (choice < 40) return count("snapshots", subject_->snapshot());
    if (choice < 50) return pause("stops", &Subject::stop);
    if (choice < 57) return crash();
    if (choice < 75) return restore_what_is_promised();
    if (choice < 85) return restore_some_txid();
    return "";
  }

  std::string count(const char* what, const std::string& wrong) {
    ++result_.counters[what];
    return wrong.empty() ? "" : std::string(what) + ": " + wrong;
  }

  // The writers go on while nobody looks.
  std::string pause(const char* what, std::string (Subject::*end)()) {
    if (std::string wrong = count(what, (subject_.get()->*end)()); !wrong.empty()) return wrong;
    std::this_thread::sleep_for(std::chrono::milliseconds(random_.pick({0, 1, 20, 150})));
    const std::string wrong = subject_->start();
    return wrong.empty() ? "" : "start after " + std::string(what) + ": " + wrong;
  }

  // Somebody else has the database open meanwhile. What SQLite before 3.50 makes of a log that has to be recovered,
  // when the last writer is gone and we are killed right then, is not ours to judge (docs/capture.md).
  std::string crash() {
    Connection application;
    if (application.open(settings_.database(), 10'000) != SQLITE_OK ||
        !application.integer("SELECT count(*) FROM sqlite_master"))
      return "an application cannot read: " + application.message();
    return pause("crashes", &Subject::crash);
  }

  // With nobody writing any more it may be let go of, and stay so over a restart.
  std::string restart_at_rest() {
    if (random_.chance(0.5)) return "";
    if (std::string wrong = subject_->sync(); !wrong.empty()) return "sync: " + wrong;
    std::this_thread::sleep_for(std::chrono::milliseconds(random_.pick({60, 150, 300})));
    return pause("quiet stops", &Subject::stop);
  }

  // Whatever had been committed before a successful sync is in a restore after it.
  std::string restore_what_is_promised() {
    const Counters promised = committed_now();
    if (std::string wrong = subject_->sync(); !wrong.empty()) return "sync: " + wrong;
    return restore_and_check("restores while writing", 0, promised);
  }

  Counters committed_now() const {
    Counters all;
    for (std::size_t i = 0; i < writers_.size(); ++i) all.merge(read_ledger_log(log_path(static_cast<int>(i) + 1)));
    return all;
  }

  std::string restore_some_txid() {
    const ReplicaFiles files = scan_replica(settings_.replica());
    if (files.reachable.empty()) return "";
    auto it = files.reachable.begin();
    std::advance(it, random_.between(0, static_cast<int>(files.reachable.size()) - 1));
    const std::uint64_t txid = *it;
    std::string wrong = restore_and_check("restores of a txid", txid, {});
    // Retention may have taken it meanwhile, and then refusing is right.
    if (!wrong.empty() && !scan_replica(settings_.replica()).reachable.contains(txid)) return "";
    return wrong;
  }

  std::string restore_and_check(const char* what, std::uint64_t txid, const Counters& promised) {
    const std::string output = options_.directory + "/restored." + std::to_string(++restores_) + ".db";
    std::string wrong = subject_->restore(output, txid);
    if (!wrong.empty()) return std::string(what) + ": " + wrong;
    Counters found;
    wrong = check_restored(output, found);
    if (wrong.empty()) wrong = missing_commits(promised, found);
    if (wrong.empty() && txid != 0) wrong = check_order(txid, found);
    if (!wrong.empty()) return std::string(what) + ", " + output + ": " + wrong;
    std::filesystem::remove(output);
    return count(what, "");
  }

  static std::string check_restored(const std::string& path, Counters& found) {
    Connection db;
    if (db.open(path, 1'000) != SQLITE_OK) return "cannot open";
    const std::string integrity = db.text("PRAGMA integrity_check(3)").value_or("unreadable: " + db.message());
    if (integrity != "ok") return "integrity_check: " + integrity;
    return check_ledger(db, found);
  }

  // A later TXID never holds less.
  std::string check_order(std::uint64_t txid, const Counters& found) {
    const auto later = by_txid_.lower_bound(txid);
    std::string wrong;
    if (later != by_txid_.end()) wrong = missing_commits(found, later->second);
    if (later != by_txid_.begin()) wrong += missing_commits(std::prev(later)->second, found);
    by_txid_[txid] = found;
    return wrong.empty() ? "" : "states are out of order around txid " + std::to_string(txid) + ": " + wrong;
  }

  std::string compare_at_the_end() {
    if (random_.chance(0.5)) {
      if (std::string wrong = subject_->sync(); !wrong.empty()) return "last sync: " + wrong;
    } else if (std::string wrong = pause("stops", &Subject::stop); !wrong.empty()) {
      return wrong;
    }
    note_exercised();
    DigestOptions what;
    if (subject_->writes_own_tables()) what.exclude_prefix = "_litestream_";
    const Digest source = digest(settings_.database(), what);
    if (!source.sound()) return "the source is damaged: " + source.text();
    const std::string output = options_.directory + "/final.db";
    if (std::string wrong = subject_->restore(output, 0); !wrong.empty()) return "last restore: " + wrong;
    // The other restore is of the same files, so it must come before anything opens ours and writes to it.
    if (std::string wrong = compare_with_peer(output); !wrong.empty()) return wrong;
    const Digest restored = digest(output, what);
    if (!(restored == source))
      return "the restored database differs: source " + source.text() + ", restored " + restored.text();
    for (int n = 0; n < 3; ++n) {
      if (std::string wrong = restore_some_txid(); !wrong.empty()) return wrong;
    }
    const std::string wrong = subject_->stop();
    return wrong.empty() ? "" : "last stop: " + wrong;
  }

  std::string compare_with_peer(const std::string& ours) {
    if (options_.peer.empty()) return "";
    const std::string theirs = options_.directory + "/peer.db";
    ProcessOptions options;
    options.output = options_.directory + "/peer.log";
    options.unset = {"AWS_CA_BUNDLE"};
    const std::vector<std::string> command = {options_.peer, "restore", "-o", theirs, "file://" + settings_.replica()};
    // It lists once and does not plan again when retention takes a file.
    for (int attempt = 0; run_process(command, options, 60s) != 0; ++attempt) {
      if (attempt == 5) return "the peer cannot restore: " + read_file(options.output);
    }
    if (read_file(ours) != read_file(theirs)) return "the peer restores other bytes from the same replica";
    return count("restores equal to the peer's", "");
  }

  void note_exercised() {
    const ReplicaFiles files = scan_replica(settings_.replica());
    result_.counters["trials with compaction"] += files.compacted ? 1 : 0;
    result_.counters["trials with snapshots"] += files.snapshotted ? 1 : 0;
    result_.counters["txids"] += static_cast<std::int64_t>(files.last);
    for (const auto& [writer, counter] : committed_now()) result_.counters["transactions"] += counter;
  }

  TrialOptions options_;
  Random random_;
  SubjectSettings settings_;
  std::unique_ptr<Subject> subject_;
  std::vector<Process> writers_;
  std::map<std::uint64_t, Counters> by_txid_;
  int restores_ = 0;
  TrialResult result_;
};

}  // namespace

TrialResult run_trial(const TrialOptions& options) { return Trial(options).run(); }

}  // namespace tools
