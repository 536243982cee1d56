#include "bench/expectation.hpp"

#include <algorithm>
#include <cmath>

#include "human.hpp"

namespace litestreamctl::bench {

namespace {

constexpr std::uint64_t kGigabyte = 1'000'000'000;
constexpr int kLevels = 10;  // listings of a restore
constexpr double kSlowSyncMs = 50, kSlowPutMs = 1000;
constexpr double kUnlikelySyncMs = 0.01;  // no disk that keeps what it says is so fast

double ratio(double part, double whole) { return whole > 0 ? part / whole : 0; }
double as_double(std::uint64_t bytes) { return static_cast<double>(bytes); }

// What a sample took, without what does not grow with it, at most half.
double growing(double ms, double fixed) { return ms - std::min(fixed, ms / 2); }

double time_of(const Transfer& at_speed, std::uint64_t bytes) {
  return as_double(bytes) * ratio(at_speed.ms, as_double(at_speed.bytes));
}

// The largest share. What neither disk nor store explains is the machine.
Bound bound_of(double whole, double disk, double store, Bound of_store) {
  const double rest = whole - disk - store;
  if (rest > std::max(disk, store)) return Bound::machine;
  return store >= disk ? of_store : Bound::disk;
}

void expect_first_copy(const Measures& m, std::uint64_t bytes, Expectation& out) {
  const PathMeasures& path = m.path;
  const double fixed = path.sync.median_ms;  // a commit of one row costs it too
  const double times = ratio(as_double(bytes), as_double(path.first_copy.bytes));
  out.copied_database_bytes = bytes;
  out.first_copy_ms =
      path.first_copy.ms - growing(path.first_copy.ms, fixed) + growing(path.first_copy.ms, fixed) * times;
  out.first_copy_bound = bound_of(path.first_copy.ms, time_of(m.disk.write, path.copied_bytes),
                                  time_of(m.store.up, path.copied_bytes), Bound::bandwidth);
}

// How much longer a restore takes for each file more, from the two that were made.
double per_file_ms(const PathMeasures& path) {
  if (path.restore_all_files < 2) return 0;
  return std::max(0.0, path.restore_all.ms - path.restore.ms) / static_cast<double>(path.restore_all_files - 1);
}

void expect_restore(const Measures& m, const Subject& subject, std::uint64_t bytes, Expectation& out) {
  const PathMeasures& path = m.path;
  const double fixed = kLevels * m.store.list.median_ms + m.store.get.median_ms;
  double times = ratio(as_double(bytes), as_double(path.restore.bytes));
  double files_ms = 0;
  out.restored_database_bytes = bytes;
  if (subject.content) {
    // Pages that are in several files are fetched as often.
    times = std::max(times, ratio(as_double(subject.content->bytes), as_double(path.copied_bytes)));
    files_ms = per_file_ms(path) * static_cast<double>(std::max<std::size_t>(subject.content->files, 1) - 1);
    out.from_content = true;
  }
  const double growing_ms = growing(path.restore.ms, fixed);
  out.restore_ms = path.restore.ms - growing_ms + growing_ms * times + files_ms;
  out.restore_bound = bound_of(path.restore.ms, time_of(m.disk.write, path.restore.bytes),
                               time_of(m.store.down, path.copied_bytes), Bound::bandwidth);
}

void expect_lag(const Measures& m, const Subject& subject, Expectation& out) {
  const Spread& lag = m.path.lag;
  out.lag_median_ms = lag.median_ms;
  out.lag_p99_ms = lag.p99_ms;
  out.lag_bound = bound_of(lag.median_ms, m.disk.new_file.median_ms, m.store.put.median_ms, Bound::latency);
  // What comes within an interval is uploaded together at its end.
  const auto interval = static_cast<double>(subject.sync_interval.count());
  out.busy_lag_median_ms = interval / 2 + lag.median_ms;
  out.busy_lag_longest_ms = interval + lag.p99_ms;
  // Pages go up compressed, as those of the sample do.
  const double shrunk = std::min(1.0, ratio(as_double(m.path.copied_bytes), as_double(m.path.first_copy.bytes)));
  const double upload = shrunk > 0 ? m.store.up.per_second() / shrunk : m.store.up.per_second();
  out.changes_per_second = std::min(upload, m.path.first_copy.per_second());
}

std::string ms_text(double ms) { return ms < 1000 ? std::to_string(std::lround(ms)) + " ms" : span_text(ms / 1000); }

void warn_of_store(const Measures& m, const Subject& subject, std::vector<Warning>& out) {
  if (m.store.put.p99_ms > kSlowPutMs)
    out.push_back({"slow_put", "one of a hundred small objects takes " + ms_text(m.store.put.p99_ms) +
                                   " to put: commits reach the replica late"});
  const auto interval = static_cast<double>(subject.sync_interval.count());
  if (m.path.lag.p99_ms > interval)
    out.push_back({"lag_above_sync_interval", "a single commit may take " + ms_text(m.path.lag.p99_ms) +
                                                  " to reach the replica, longer than the sync-interval of " +
                                                  ms_text(interval) + ": uploads follow each other without a pause"});
}

}  // namespace

const char* name(Bound bound) {
  switch (bound) {
    case Bound::disk:
      return "disk";
    case Bound::latency:
      return "latency";
    case Bound::bandwidth:
      return "bandwidth";
    case Bound::machine:
      break;
  }
  return "machine";
}

const char* phrase(Bound bound) {
  switch (bound) {
    case Bound::disk:
      return "the disk";
    case Bound::latency:
      return "the latency of the store";
    case Bound::bandwidth:
      return "the bandwidth of the store";
    case Bound::machine:
      break;
  }
  return "the machine (processor, memory, what else it does)";
}

std::vector<Warning> disk_warnings(const DiskMeasures& disk) {
  std::vector<Warning> out;
  if (disk.sync.p99_ms > kSlowSyncMs)
    out.push_back({"slow_fsync", "one of a hundred fsyncs takes " + ms_text(disk.sync.p99_ms) +
                                     ": commits of the application and captures wait for this disk"});
  if (disk.sync.count > 0 && disk.sync.median_ms < kUnlikelySyncMs)
    out.push_back({"unlikely_fsync",
                   "fsync returns faster than disks are: memory, or a cache that may forget when the power fails"});
  return out;
}

Expectation expect(const Measures& measured, const Subject& subject) {
  Expectation out;
  const std::uint64_t replicated = subject.content ? subject.content->database_bytes : kGigabyte;
  const std::uint64_t bytes = subject.database_bytes.value_or(replicated);
  expect_first_copy(measured, bytes, out);
  expect_restore(measured, subject, subject.content ? replicated : bytes, out);
  expect_lag(measured, subject, out);
  out.warnings = disk_warnings(measured.disk);
  warn_of_store(measured, subject, out.warnings);
  return out;
}

}  // namespace litestreamctl::bench
