#include "restore/apply.hpp"

#include <algorithm>

#include "restore/integrity.hpp"
#include "restore/output.hpp"
#include "restore/workers.hpp"

namespace replica {
namespace restore {
namespace {

// Page header 6, length 4, an LZ4 block of at least 1, and 3 bytes in the index: what the smallest page takes in a
// file.
constexpr std::uint64_t kSmallestPage = 14;

Result<void> check_plan(const RestorePlan& plan) {
  TxId reached;
  for (const auto& file : plan.files) {
    if (file.range.min.value - 1 > reached.value || file.range.max <= reached) {
      return fail(Errc::invalid_argument, "restore plan does not continue at " + file.name());
    }
    if (file.size < kLtxHeaderSize) {
      return fail(Errc::corrupt, "invalid ltx file: level=" + std::to_string(file.level) +
                                     " min=" + file.range.min.text() + " max=" + file.range.max.text() + " has size " +
                                     std::to_string(file.size) + " bytes (minimum " + std::to_string(kLtxHeaderSize) +
                                     ")");
    }
    reached = file.range.max;
  }
  return plan.files.empty() ? fail(Errc::invalid_argument, "restore plan is empty") : Result<void>();
}

// The size is believed before the file that says it was verified, so it must at least be possible.
Result<void> check_size(const LtxHeader& newest, const RestorePlan& plan) {
  if (newest.commit == 0) {
    return fail(Errc::corrupt, "file " + ltx_file_name(newest.range) + " leaves a database without pages");
  }
  std::uint64_t bytes = 0;
  for (const auto& file : plan.files) bytes += std::min(file.size, ~std::uint64_t{0} - bytes);
  if (newest.commit - 1 <= bytes / kSmallestPage) return {};
  return fail(Errc::corrupt, "file " + ltx_file_name(newest.range) + " leaves a database of " +
                                 std::to_string(newest.commit) + " pages, more than the files of the plan can hold");
}

Result<void> assemble(const Work& work, const RestoreOptions& options, const Call& call) {
  auto commits = apply_files(work, options.parallelism, call);
  if (!commits) return pass(commits);
  return work.target.origins().check_complete(*commits);
}

}  // namespace

Result<RestoreOutcome> apply(const Replica& replica, const RestorePlan& plan, const RestoreOptions& options,
                             const Call& call, io::Gate* gate, const FinishFile& finish) {
  if (auto sound = check_plan(plan); !sound) return pass(sound);
  if (auto free = check_restore_output(options); !free) return pass(free);
  auto newest = replica.read_header(plan.files.back(), call);
  if (!newest) return pass(newest);
  if (auto possible = check_size(*newest, plan); !possible) return pass(possible);
  auto temp = TempOutput::create(options, std::uint64_t{newest->commit} * newest->page_size, gate);
  if (!temp) return pass(temp);
  auto origins = PageOrigins::create(newest->page_size, newest->commit);
  if (!origins) return pass(origins);

  PageTarget target(temp->path(), gate, newest->page_size, newest->commit, std::move(*origins));
  ProgressMeter meter(plan.files, options.on_progress);
  const Work work{.replica = replica, .files = plan.files, .target = target, .meter = meter};
  if (auto assembled = assemble(work, options, call); !assembled) return pass(assembled);
  if (auto sound = check_integrity(temp->path(), options.integrity_check, call); !sound) return pass(sound);
  if (finish) {
    if (auto finished = finish(temp->path()); !finished) return pass(finished);
  }
  if (auto synced = temp->sync(); !synced) return pass(synced, "make restore output durable");
  if (auto open = call.check("restore"); !open) return pass(open);
  if (auto published = temp->publish(options); !published) return pass(published);
  return RestoreOutcome{.txid = plan.max_txid(), .page_size = newest->page_size, .commit = newest->commit};
}

}  // namespace restore

Result<RestoreOutcome> apply_restore(const Replica& replica, const RestorePlan& plan, const RestoreOptions& options,
                                     const Call& call) {
  return restore::apply(replica, plan, options, call, nullptr);
}

}  // namespace replica
