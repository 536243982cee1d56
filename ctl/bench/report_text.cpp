#include "bench/report.hpp"
#include "human.hpp"
#include "output.hpp"

namespace litestreamctl::bench {

namespace {

using Rows = std::vector<std::vector<std::string>>;

std::string rate(const Transfer& one) { return size_text(static_cast<std::uint64_t>(one.per_second())) + "/s"; }
std::string rate(double bytes_per_second) { return size_text(static_cast<std::uint64_t>(bytes_per_second)) + "/s"; }
std::string time(double ms) { return ms < 1000 ? decimal(ms) + " ms" : span_text(ms / 1000); }

Rows header() { return {{"", "count", "p50 ms", "p99 ms", "max ms", "per second"}}; }
std::vector<std::string> row(const std::string& what, const Spread& one) {
  return {what,
          std::to_string(one.count),
          decimal(one.median_ms),
          decimal(one.p99_ms),
          decimal(one.longest_ms),
          decimal(one.per_second)};
}

std::string store_text(const StoreMeasures& store) {
  Rows rows = header();
  rows.push_back(row("put of 4 KiB", store.put));
  rows.push_back(row("get", store.get));
  rows.push_back(row("stat", store.stat));
  rows.push_back(row("list", store.list));
  return table(rows) + "object of " + size_text(store.up.bytes) + ": " + rate(store.up) + " up, " + rate(store.down) +
         " down, " + rate(store.down_at_once) + " down by " + std::to_string(kReaders) + " readers\n";
}

std::string path_text(const PathMeasures& path) {
  Rows rows = header();
  rows.push_back(row("lag after quiet", path.lag));
  rows.push_back(row("commit and sync", path.sync));
  const Rows whole{
      {"first copy", time(path.first_copy.ms), rate(path.first_copy), size_text(path.copied_bytes) + " uploaded"},
      {"restore", time(path.restore.ms), rate(path.restore), "byte for byte the same"},
      {"restore with commits", time(path.restore_all.ms), rate(path.restore_all),
       std::to_string(path.restore_all_files) + " files, byte for byte the same"}};
  return "\nsample database of " + size_text(path.first_copy.bytes) + ":\n" + table(whole) + table(rows);
}

std::string subject_text(const Trial& trial, const std::string& database) {
  if (!database.empty()) return database + ", " + size_text(*trial.subject.database_bytes);
  if (trial.content) return "the database in the replica, " + size_text(trial.content->database_bytes);
  return "a database of " + size_text(trial.expected->copied_database_bytes);
}

std::string expected_text(const Trial& trial, const std::string& database) {
  const Expectation& e = *trial.expected;
  const double interval = static_cast<double>(trial.subject.sync_interval.count());
  std::string restore = "about " + time(e.restore_ms) + " (extrapolated";
  if (e.from_content)
    restore += ", the replica holds " + std::to_string(trial.content->files) +
               (trial.content->files == 1 ? " file, " : " files, ") + size_text(trial.content->bytes);
  const Rows rows{
      {"first copy", "about " + time(e.first_copy_ms) + " (extrapolated); bound by " + phrase(e.first_copy_bound)},
      {e.from_content ? "restore now" : "restore", restore + "); bound by " + phrase(e.restore_bound)},
      {"lag after quiet",
       "p50 " + time(e.lag_median_ms) + ", p99 " + time(e.lag_p99_ms) + " (measured); bound by " + phrase(e.lag_bound)},
      {"lag while busy", "p50 " + time(e.busy_lag_median_ms) + ", at most about " + time(e.busy_lag_longest_ms) +
                             " (extrapolated, sync-interval " + time(interval) + ")"},
      {"keeps up with", rate(e.changes_per_second) + " of changed pages (extrapolated)"}};
  return "\nto expect of " + subject_text(trial, database) + ":\n" + table(rows);
}

}  // namespace

std::string disk_text(const DiskMeasures& disk, const std::string& directory) {
  Rows rows = header();
  rows.push_back(row("fsync of 4 KiB", disk.sync));
  rows.push_back(row("new file, durable", disk.new_file));
  return "disk: " + directory + "\n" + table(rows) + "file of " + size_text(disk.write.bytes) + ": " +
         rate(disk.write) + " written and synced, " + rate(disk.read) + " read\n";
}

std::string trial_text(const Trial& trial, const std::string& database) {
  std::string text = "\nstore: " + trial.store + "\n";
  if (trial.measured) text += store_text(*trial.measured);
  if (trial.path) text += path_text(*trial.path);
  if (trial.expected) text += expected_text(trial, database);
  if (!trial.warnings.empty()) text += "\n";
  for (const Warning& one : trial.warnings) text += "warning: " + one.message + "\n";
  return text;
}

}  // namespace litestreamctl::bench
