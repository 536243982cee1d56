#include "restore/follower.hpp"

#include <algorithm>
#include <condition_variable>
#include <filesystem>
#include <mutex>

#include "restore/apply.hpp"
#include "restore/follow_source.hpp"
#include "restore/followed_database.hpp"

namespace replica {

using restore::FollowedDatabase;
using restore::FollowPosition;
using restore::FollowSource;
using restore::StagedPages;

namespace {

constexpr std::chrono::milliseconds kPause{5};  // between two looks whether readers have ended
constexpr int kMostDoublings = 4;               // of the patience with readers

void wait_for(std::chrono::milliseconds pause, const Call& call) {
  std::mutex mutex;
  std::condition_variable_any stopped;
  std::unique_lock lock(mutex);
  stopped.wait_for(lock, call.stop, pause, [] { return false; });
}

const Clock& system_clock() {
  static const SystemClock kClock;
  return kClock;
}

Failure no_position(const std::string& output) {
  return fail(
      Errc::precondition_failed,
      "cannot resume follow mode: database exists but no -txid file found; delete the database to re-restore: " +
          output);
}

// One change at a time has to be staged and journalled.
void keep_batch(std::vector<LtxFileInfo>& files, std::uint64_t batch_bytes) {
  std::uint64_t bytes = 0;
  const auto end = std::find_if(files.begin(), files.end(), [&](const LtxFileInfo& file) {
    bytes += file.size;
    return bytes > batch_bytes;
  });
  files.erase(std::max(end, files.begin() + 1), files.end());
}

}  // namespace

struct Follower::State {
  State(const Replica& from, FollowOptions given, io::Gate* seam)
      : replica(&from),
        options(std::move(given)),
        gate(seam),
        source(from, options.clock ? *options.clock : system_clock(), options.deep_interval) {
    if (!options.wait) options.wait = wait_for;
  }

  Result<void> restore_new(const Call& call);
  Result<void> restore_plan(const RestorePlan& plan, const RestoreOptions& restore, const Call& call);
  Result<void> resume();
  Result<void> settle();
  Result<StagedPages> stage(const FollowSource::Find& find, const Call& call);
  Result<FollowStep> step(const Call& call);
  Result<FollowedDatabase::Applied> apply(const StagedPages& pages, const FollowStep& step, const Call& call);

  const Replica* replica;
  FollowOptions options;
  io::Gate* gate;
  FollowSource source;
  std::optional<FollowedDatabase> database{};
  TxId position{};
  int busy_in_a_row = 0;
  bool restored = false;
  bool unsettled = false;        // an application failed on its way
  Reseed reseed = Reseed::none;  // what the next step has to do
};

// The position is saved before the database appears, so that a crash in between leaves nothing that cannot go on.
Result<void> Follower::State::restore_plan(const RestorePlan& plan, const RestoreOptions& restore, const Call& call) {
  FollowPosition saved(options.output, gate);
  const TxId txid = plan.max_txid();
  auto header = replica->read_header(plan.files.back(), call);
  if (!header) return pass(header);
  if (auto prepared = saved.prepare(txid, nullptr); !prepared) return prepared;
  if (auto committed = saved.commit(); !committed) return committed;
  const auto mark = [&](const std::string& path) { return FollowedDatabase::mark_file(path, txid, gate); };
  auto outcome = restore::apply(*replica, plan, restore, call, gate, mark);
  if (!outcome) {
    static_cast<void>(saved.remove());  // the restore's error is the one to tell
    return pass(outcome);
  }
  position = txid;
  source.listed_all();
  source.applied(plan.files.back(), *header);
  return {};
}

Result<void> Follower::State::restore_new(const Call& call) {
  const RestoreOptions restore{.output = options.output,
                               .parallelism = options.parallelism,
                               .integrity_check = options.integrity_check,
                               .on_progress = options.on_progress};
  if (auto free = check_restore_output(restore); !free) return free;
  std::vector<LtxFileInfo> tried;
  while (true) {
    auto plan = plan_restore(*replica, {}, call);
    if (!plan) return pass(plan);
    if (auto made = io::make_directories(io::parent_of(options.output), gate); !made) return pass(made);
    auto done = restore_plan(*plan, restore, call);
    if (done) break;
    // As restore_database(): what went away after the listing gives another plan now.
    if (done.error().code != Errc::not_found || plan->files == tried) return done;
    tried = std::move(plan->files);
  }
  auto opened = FollowedDatabase::open(options.output, gate);
  if (!opened) return pass(opened);
  database.emplace(std::move(*opened));
  restored = true;
  return {};
}

Result<void> Follower::State::resume() {
  auto saved = FollowPosition(options.output, gate).saved();
  if (!saved) return pass(saved);
  if (!*saved) return no_position(options.output);
  auto opened = FollowedDatabase::open(options.output, gate);
  if (!opened) return pass(opened);
  database.emplace(std::move(*opened));
  return settle();
}

Result<void> Follower::State::settle() {
  auto reached = database->recover(options.reader_patience);
  if (!reached) return pass(reached);
  if (!*reached) return no_position(options.output);
  position = **reached;
  auto ours = database->is_at(position);
  if (!ours) return pass(ours);
  if (!*ours) reseed = Reseed::changed;
  unsettled = false;
  return {};
}

Result<StagedPages> Follower::State::stage(const FollowSource::Find& find, const Call& call) {
  PageNo base = 0;
  if (find.reseed == Reseed::none) {
    auto pages = database->pages();
    if (!pages) return pass(pages);
    base = *pages;
  }
  auto staged = StagedPages::create(io::temp_name(options.output + "-follow"), database->page_size(), base, gate);
  if (!staged) return staged;
  const auto spoiled = [&](const LtxFileInfo& file, const Error& error) {
    if (error.code == Errc::not_found || error.code == Errc::corrupt) source.failed(file, error);
  };
  for (const auto& file : find.files) {
    if (auto added = staged->add(*replica, file, call); !added) {
      spoiled(file, added.error());
      return pass(added);
    }
  }
  if (auto complete = staged->finish(); !complete) {
    spoiled(find.files.back(), complete.error());
    return pass(complete);
  }
  return staged;
}

Result<FollowedDatabase::Applied> Follower::State::apply(const StagedPages& pages, const FollowStep& step,
                                                         const Call& call) {
  std::chrono::milliseconds waited{};
  const auto patience = options.reader_patience * (1 << std::min(busy_in_a_row, kMostDoublings));
  const auto pause = [&] {
    if (waited >= patience || !call.check("follow")) return false;
    waited += kPause;
    options.wait(kPause, call);
    return true;
  };
  auto applied = database->apply(
      {.pages = pages, .from = step.from, .to = step.to, .replaces = step.reseed != Reseed::none}, pause);
  const bool busy = !applied && applied.error().code == Errc::busy;
  busy_in_a_row = busy ? busy_in_a_row + 1 : 0;
  if (applied || busy) return applied;
  unsettled = true;
  // Readers that may not write could not roll back themselves. If this fails too, the next step tries again.
  if (applied.error().code != Errc::precondition_failed) static_cast<void>(settle());
  return applied;
}

Result<FollowStep> Follower::State::step(const Call& call) {
  if (unsettled) {
    if (auto settled = settle(); !settled) return pass(settled);
  }
  auto find = reseed == Reseed::none ? source.look(position, call) : source.whole(reseed, call);
  if (!find) return pass(find);
  if (find->files.empty()) return FollowStep{.from = position, .to = position};
  reseed = find->reseed;
  const auto all = find->files.size();
  if (find->reseed == Reseed::none) keep_batch(find->files, options.batch_bytes);
  auto staged = stage(*find, call);
  if (!staged) return pass(staged);
  const FollowStep step{.from = position,
                        .to = find->files.back().range.max,
                        .reseed = find->reseed,
                        .files = find->files.size(),
                        .more = find->files.size() < all};
  auto applied = apply(*staged, step, call);
  if (!applied) return pass(applied);
  if (*applied == FollowedDatabase::Applied::changed_by_others) {
    reseed = Reseed::changed;
    return FollowStep{.from = position, .to = position, .more = true};
  }
  position = step.to;
  reseed = Reseed::none;
  source.applied(find->files.back(), staged->last_header());
  return step;
}

Follower::Follower(std::unique_ptr<State> state) noexcept : state_(std::move(state)) {}
Follower::Follower(Follower&&) noexcept = default;
Follower& Follower::operator=(Follower&&) noexcept = default;
Follower::~Follower() = default;

TxId Follower::position() const noexcept { return state_->position; }
bool Follower::restored() const noexcept { return state_->restored; }
Result<FollowStep> Follower::apply_new(const Call& call) { return state_->step(call); }

Result<Follower> Follower::open(const Replica& replica, FollowOptions options, const Call& call) {
  return FollowerAccess::open(replica, std::move(options), call, nullptr);
}

Result<Follower> FollowerAccess::open(const Replica& replica, FollowOptions options, const Call& call, io::Gate* gate) {
  auto state = std::make_unique<Follower::State>(replica, std::move(options), gate);
  std::string& output = state->options.output;
  // SQLite looks for the journal beside the file itself.
  std::error_code no_link;
  if (std::filesystem::is_symlink(output, no_link)) {
    const auto target = std::filesystem::canonical(output, no_link);
    if (!no_link) output = target.string();
  }
  auto found = io::stat_path(output);
  const bool missing = !found && found.error().code == Errc::not_found;
  if (!found && !missing) return pass(found);
  auto ready = missing ? state->restore_new(call) : state->resume();
  if (!ready) return pass(ready);
  return Follower(std::move(state));
}

}  // namespace replica
