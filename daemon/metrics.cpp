#include "metrics.hpp"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <span>

#include "health.hpp"

namespace litestreamd {

using replica::DatabaseStatus;

namespace {

// The shortest form that is read back as the same number.
std::string number(double value) {
  std::array<char, 32> text{};
  const bool plain = value >= 1e-6 && value < 1e15;  // the bounds of buckets are read by people too
  const auto result = plain ? std::to_chars(text.data(), text.data() + text.size(), value, std::chars_format::fixed)
                            : std::to_chars(text.data(), text.data() + text.size(), value);
  return {text.data(), result.ptr};
}
std::string number(std::uint64_t value) { return std::to_string(value); }

std::string escape(std::string_view value) {
  std::string out;
  for (const char c : value) {
    if (c == '\n') {
      out += "\\n";
      continue;
    }
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out;
}

using Labels = std::span<const std::pair<std::string_view, std::string_view>>;

class Page {
 public:
  void family(std::string_view name, std::string_view type, std::string_view help) {
    name_ = name;
    text_ += "# HELP " + name_ + " " + std::string(help) + "\n# TYPE " + name_ + " " + std::string(type) + "\n";
  }
  template <class T>
  void sample(std::initializer_list<std::pair<std::string_view, std::string_view>> labels, T value) {
    sample(Labels(labels.begin(), labels.size()), value);
  }
  template <class T>
  void sample(Labels labels, T value, std::string_view suffix = {}) {
    text_ += name_ + std::string(suffix);
    const char* before = "{";
    for (const auto& [label, content] : labels) {
      text_ += before + std::string(label) + "=\"" + escape(content) + "\"";
      before = ",";
    }
    text_ += (labels.empty() ? " " : "} ") + number(value) + "\n";
  }
  std::string take() { return std::move(text_); }

 private:
  std::string name_, text_;
};

struct DatabaseFamily {
  const char *name, *type, *help;
  double (*value)(const DatabaseStatus&);
};

double seconds(replica::Timestamp time) { return std::chrono::duration<double>(time.time_since_epoch()).count(); }
template <class T>
double real(T value) {
  return static_cast<double>(value);
}

constexpr DatabaseFamily kDatabaseFamilies[] = {
    {"litestream_db_size", "gauge", "Size of the database file in bytes",
     [](const DatabaseStatus& s) { return real(s.database_bytes); }},
    {"litestream_wal_size", "gauge", "Size of the WAL file in bytes",
     [](const DatabaseStatus& s) { return real(s.wal_bytes); }},
    {"litestream_total_wal_bytes", "counter", "WAL bytes turned into LTX files",
     [](const DatabaseStatus& s) { return real(s.wal_bytes_captured); }},
    {"litestream_txid", "gauge", "Last transaction id captured",
     [](const DatabaseStatus& s) { return real(s.local_txid.value); }},
    {"litestream_sync_count", "counter", "Sync runs", [](const DatabaseStatus& s) { return real(s.syncs); }},
    {"litestream_sync_error_count", "counter", "Sync runs that failed",
     [](const DatabaseStatus& s) { return real(s.sync_errors); }},
    {"litestream_sync_seconds", "counter", "Time spent in sync runs",
     [](const DatabaseStatus& s) { return s.sync_seconds; }},
    {"litestream_disk_full", "gauge", "1 while the last sync failed for want of space",
     [](const DatabaseStatus& s) { return s.disk_full ? 1.0 : 0.0; }},
    {"litestream_checkpoint_error_count", "counter", "Checkpoints that failed",
     [](const DatabaseStatus& s) { return real(s.checkpoint_errors); }},
    {"litestream_checkpoint_seconds", "counter", "Time spent in checkpoints",
     [](const DatabaseStatus& s) { return s.checkpoint_seconds; }},
    {"litestream_reanchor_count", "counter", "Times continuity with the WAL had to be established anew",
     [](const DatabaseStatus& s) { return real(s.reanchors); }},
    {"litestream_upload_count", "counter", "LTX files uploaded",
     [](const DatabaseStatus& s) { return real(s.uploads); }},
    {"litestream_upload_bytes", "counter", "Bytes of LTX files uploaded",
     [](const DatabaseStatus& s) { return real(s.upload_bytes); }},
    {"litestream_database_open", "gauge", "1 while the database is being replicated",
     [](const DatabaseStatus& s) { return s.state == replica::DatabaseState::open ? 1.0 : 0.0; }},
    {"litestream_database_error", "gauge", "1 while the last step of replication failed",
     [](const DatabaseStatus& s) { return s.last_error ? 1.0 : 0.0; }},
    {"litestream_replica_auth_failed", "gauge", "1 while the store refuses uploads",
     [](const DatabaseStatus& s) { return s.auth_failed ? 1.0 : 0.0; }},
    {"litestream_replica_retention_refused", "gauge",
     "1 while the store refuses to delete what retention has condemned",
     [](const DatabaseStatus& s) { return s.retention_error ? 1.0 : 0.0; }},
    {"litestream_replica_txid", "gauge", "Last transaction id durable on the replica",
     [](const DatabaseStatus& s) { return real(s.replicated_txid.value); }},
};

void checkpoints(Page& page, const std::vector<DatabaseStatus>& databases) {
  page.family("litestream_checkpoint_count", "counter", "Checkpoints; mode HARD held the write lock for a moment");
  for (const DatabaseStatus& s : databases) {
    page.sample({{"db", s.path}, {"mode", "PASSIVE"}}, s.checkpoints_passive);
    page.sample({{"db", s.path}, {"mode", "HARD"}}, s.checkpoints_hard);
    page.sample({{"db", s.path}, {"mode", "ASIDE"}}, s.steps_aside);
  }
}

void lag(Page& page, const std::vector<DatabaseStatus>& databases, const MetricsInput& in) {
  page.family("litestream_replica_lag_txids", "gauge", "Transaction ids captured but not yet on the replica");
  for (const DatabaseStatus& s : databases)
    page.sample({{"db", s.path}}, s.local_txid.value - std::min(s.local_txid.value, s.replicated_txid.value));
  page.family("litestream_replica_lag_bytes", "gauge", "Bytes captured but not yet on the replica");
  for (const DatabaseStatus& s : databases) page.sample({{"db", s.path}}, s.lag_bytes);
  page.family("litestream_last_sync_timestamp_seconds", "gauge",
              "When all that was captured was last durable on the replica");
  for (const DatabaseStatus& s : databases)
    if (s.last_sync_at) page.sample({{"db", s.path}}, seconds(*s.last_sync_at));
  page.family("litestream_replica_lag_seconds", "gauge",
              "Age of the oldest commit that is not durable on the replica, 0 while all are");
  for (const DatabaseStatus& s : databases) page.sample({{"db", s.path}}, lag_seconds(s, in.now, in.started_at));
}

// Of databases with several replicas, each; the families above say what holds for all of them.
void destinations(Page& page, const std::vector<DatabaseStatus>& databases, const MetricsInput& in) {
  if (std::all_of(databases.begin(), databases.end(), [](const auto& s) { return s.replicas.empty(); })) return;
  const auto each = [&](const char* name, const char* type, const char* help, auto value) {
    page.family(name, type, help);
    for (const DatabaseStatus& s : databases)
      for (const replica::ReplicaStatus& one : s.replicas)
        page.sample({{"db", s.path}, {"replica", one.name.empty() ? one.url : one.name}}, value(one));
  };
  using One = replica::ReplicaStatus;
  each("litestream_destination_txid", "gauge", "Last transaction id durable on this one of several replicas",
       [](const One& r) { return real(r.replicated_txid.value); });
  each("litestream_destination_lag_bytes", "gauge", "Bytes captured but not yet on it",
       [](const One& r) { return real(r.lag_bytes); });
  each("litestream_destination_lag_seconds", "gauge", "Age of the oldest change that is not on it",
       [&](const One& r) { return r.behind_since ? std::max(0.0, seconds(in.now) - seconds(*r.behind_since)) : 0.0; });
  each("litestream_destination_error", "gauge", "1 while the last step of replication to it failed",
       [](const One& r) { return r.last_error ? 1.0 : 0.0; });
  each("litestream_destination_auth_failed", "gauge", "1 while it refuses uploads",
       [](const One& r) { return r.auth_failed ? 1.0 : 0.0; });
  each("litestream_destination_upload_count", "counter", "LTX files uploaded to it",
       [](const One& r) { return real(r.uploads); });
  each("litestream_destination_upload_bytes", "counter", "Bytes of LTX files uploaded to it",
       [](const One& r) { return real(r.upload_bytes); });
}

// Of what has `count`, `seconds` and `buckets`.
template <class Stats>
void histogram(Page& page, std::vector<std::pair<std::string_view, std::string_view>> labels,
               std::span<const double> bounds, const Stats& stats) {
  labels.emplace_back("le", "");
  std::uint64_t below = 0;
  for (std::size_t i = 0; i < bounds.size(); ++i) {
    below += stats.buckets[i];
    const std::string bound = number(bounds[i]);
    labels.back().second = bound;
    page.sample(labels, below, "_bucket");
  }
  labels.back().second = "+Inf";
  page.sample(labels, stats.count, "_bucket");
  labels.pop_back();
  page.sample(labels, stats.seconds, "_sum");
  page.sample(labels, stats.count, "_count");
}

void operations(Page& page, const std::vector<OperationStats>& all) {
  page.family("litestream_replica_operation_total", "counter", "Requests to replicas");
  for (const auto& o : all) page.sample({{"replica_type", o.replica_type}, {"operation", o.operation}}, o.count);
  page.family("litestream_replica_operation_bytes", "counter", "Bytes moved by requests to replicas");
  for (const auto& o : all) page.sample({{"replica_type", o.replica_type}, {"operation", o.operation}}, o.bytes);
  page.family("litestream_replica_operation_errors_total", "counter", "Requests to replicas that failed");
  for (const auto& o : all)
    for (const auto& [code, count] : o.errors)
      page.sample({{"replica_type", o.replica_type}, {"operation", o.operation}, {"code", code}}, count);
  page.family("litestream_replica_operation_duration_seconds", "histogram", "Duration of requests to replicas");
  for (const auto& o : all)
    histogram(page, {{"replica_type", o.replica_type}, {"operation", o.operation}}, kOperationBuckets, o);
}

// A database without requests has no series, and no class that it did not send.
void requests(Page& page, const std::vector<DatabaseStatus>& databases, const MetricsInput& input) {
  std::vector<RequestsByType> of_each;
  of_each.reserve(databases.size());
  for (const DatabaseStatus& s : databases) of_each.push_back(input.requests_of(s.path));
  const auto each = [&](auto&& show) {
    for (std::size_t i = 0; i < databases.size(); ++i)
      for (const auto& [type, counts] : of_each[i]) show(databases[i].path, type, counts);
  };
  page.family("litestream_db_requests_total", "counter", "Requests sent to the replica of a database, by class");
  each([&](const std::string& db, const std::string& type, const replica::RequestCounts& counts) {
    for (std::size_t i = 0; i < replica::kRequestClasses; ++i) {
      const auto kind = static_cast<replica::RequestClass>(i);
      if (counts[kind].requests > 0)
        page.sample({{"db", db}, {"replica_type", type}, {"class", name(kind)}}, counts[kind].requests);
    }
  });
  const auto family = [&](std::string_view name, std::string_view help, std::uint64_t replica::RequestTally::* value) {
    page.family(name, "counter", help);
    each([&](const std::string& db, const std::string& type, const replica::RequestCounts& counts) {
      if (const std::uint64_t n = counts.total().*value; n > 0) page.sample({{"db", db}, {"replica_type", type}}, n);
    });
  };
  family("litestream_db_request_errors_total", "Requests for a database without answer, or refused",
         &replica::RequestTally::errors);
  family("litestream_db_request_retries_total", "Requests for a database that repeat what had failed",
         &replica::RequestTally::retries);
  family("litestream_db_sent_bytes_total", "Bytes of bodies sent for a database", &replica::RequestTally::bytes_sent);
  family("litestream_db_received_bytes_total", "Bytes of bodies received for a database",
         &replica::RequestTally::bytes_received);
}

// Of all databases that there were, every class.
void request_totals(Page& page, const RequestsByType& all) {
  const auto family = [&](std::string_view family_name, std::string_view help,
                          std::uint64_t replica::RequestTally::* value) {
    page.family(family_name, "counter", help);
    for (const auto& [type, counts] : all)
      for (std::size_t i = 0; i < replica::kRequestClasses; ++i) {
        const auto kind = static_cast<replica::RequestClass>(i);
        page.sample({{"replica_type", type}, {"class", name(kind)}}, counts[kind].*value);
      }
  };
  family("litestream_requests_total", "Requests sent to stores", &replica::RequestTally::requests);
  family("litestream_request_errors_total", "Requests without answer, or refused", &replica::RequestTally::errors);
  family("litestream_request_retries_total", "Requests that repeat what had failed", &replica::RequestTally::retries);
  family("litestream_request_sent_bytes_total", "Bytes of bodies sent to stores", &replica::RequestTally::bytes_sent);
  family("litestream_request_received_bytes_total", "Bytes of bodies received from stores",
         &replica::RequestTally::bytes_received);
}

void control_calls(Page& page, const std::vector<ControlStats>& all) {
  page.family("litestream_control_requests_total", "counter", "Calls of the control API");
  for (const auto& c : all) page.sample({{"method", c.method}}, c.count);
  page.family("litestream_control_errors_total", "counter", "Calls of the control API that failed");
  for (const auto& c : all)
    for (const auto& [reason, count] : c.errors) page.sample({{"method", c.method}, {"reason", reason}}, count);
  page.family("litestream_control_request_duration_seconds", "histogram", "Duration of calls of the control API");
  for (const auto& c : all) histogram(page, {{"method", c.method}}, kControlBuckets, c);
}

// Over all databases, also those without series of their own.
void aggregates(Page& page, const MetricsInput& in, std::size_t shown) {
  std::uint64_t open = 0, hibernating = 0, failing = 0;
  double lag = 0;
  for (const DatabaseStatus& s : in.databases) {
    if (s.state == replica::DatabaseState::open) ++open;
    if (s.hibernating) ++hibernating;
    if (s.last_error) ++failing;
    lag = std::max(lag, lag_seconds(s, in.now, in.started_at));
  }
  const auto gauge = [&](std::string_view name, std::string_view help, auto value) {
    page.family(name, "gauge", help);
    page.sample({}, value);
  };
  gauge("litestream_databases", "Databases registered", std::uint64_t{in.databases.size()});
  gauge("litestream_databases_open", "Databases being replicated", open);
  gauge("litestream_databases_hibernating", "Open databases to which no connection is kept, being quiet", hibernating);
  gauge("litestream_databases_failing", "Databases whose last step of replication failed", failing);
  gauge("litestream_databases_omitted", "Databases without series of their own, see metrics.max-databases",
        std::uint64_t{in.databases.size() - shown});
  gauge("litestream_max_replica_lag_seconds", "The largest litestream_replica_lag_seconds of all databases", lag);
}

void queues(Page& page, const replica::QueueDepths& depths) {
  page.family("litestream_queue_depth", "gauge", "Databases whose turn has come and that wait for a thread");
  page.sample({{"queue", "capture"}}, std::uint64_t{depths.capture});
  page.sample({{"queue", "ship"}}, std::uint64_t{depths.ship});
  page.sample({{"queue", "maintain"}}, std::uint64_t{depths.maintain});
}

// Those that get series of their own: all, or the failing ones and then as many as there is room for.
std::vector<DatabaseStatus> measured(const MetricsInput& in) {
  if (in.databases.size() <= in.max_databases) return in.databases;
  std::vector<DatabaseStatus> out;
  out.reserve(in.max_databases);
  for (const bool failing : {true, false})
    for (const DatabaseStatus& status : in.databases)
      if (status.last_error.has_value() == failing && out.size() < in.max_databases) out.push_back(status);
  return out;
}

void process(Page& page, const MetricsInput& in) {
  page.family("litestream_build_info", "gauge", "Always 1; the labels tell what is running");
  page.sample({{"version", in.version}, {"sqlite_version", in.sqlite_version}}, std::uint64_t{1});
  page.family("process_start_time_seconds", "gauge", "Start of the process since the Unix epoch");
  page.sample({}, seconds(in.started_at));
  page.family("process_cpu_seconds_total", "counter", "User and system CPU time");
  page.sample({}, in.process.cpu_seconds);
  page.family("process_resident_memory_bytes", "gauge", "Resident memory");
  page.sample({}, in.process.resident_bytes);
  page.family("process_open_fds", "gauge", "Open file descriptors");
  page.sample({}, in.process.open_fds);
  page.family("process_max_fds", "gauge", "Limit of open file descriptors");
  page.sample({}, in.process.max_fds);
  page.family("process_threads", "gauge", "Threads of the process");
  page.sample({}, in.process.threads);
}

}  // namespace

ProcessStats read_process_stats() {
  ProcessStats out;
  rusage usage{};
  if (::getrusage(RUSAGE_SELF, &usage) == 0) {
    const auto time = [](const timeval& t) { return real(t.tv_sec) + real(t.tv_usec) / 1e6; };
    out.cpu_seconds = time(usage.ru_utime) + time(usage.ru_stime);
  }
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) == 0) out.max_fds = limit.rlim_cur;
  std::uint64_t pages = 0;
  if (std::ifstream statm("/proc/self/statm"); statm >> pages >> pages)
    out.resident_bytes = pages * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
  const auto count = [](const char* directory) {
    std::error_code error;
    std::uint64_t n = 0;
    for (std::filesystem::directory_iterator it(directory, error), end; !error && it != end; it.increment(error)) ++n;
    return n;
  };
  out.open_fds = count("/proc/self/fd");
  out.threads = count("/proc/self/task");
  return out;
}

std::string render_metrics(const MetricsInput& input) {
  const std::vector<DatabaseStatus> databases = measured(input);
  Page page;
  for (const DatabaseFamily& family : kDatabaseFamilies) {
    page.family(family.name, family.type, family.help);
    for (const DatabaseStatus& status : databases) page.sample({{"db", status.path}}, family.value(status));
  }
  checkpoints(page, databases);
  lag(page, databases, input);
  destinations(page, databases, input);
  aggregates(page, input, databases.size());
  queues(page, input.queues);
  operations(page, input.operations);
  requests(page, databases, input);
  request_totals(page, input.requests);
  control_calls(page, input.control);
  process(page, input);
  return page.take();
}

}  // namespace litestreamd
