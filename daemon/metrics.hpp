// What /metrics answers: Prometheus text 0.0.4 with the peer's names, and what the peer does not tell.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "backend_meter.hpp"
#include "control_meter.hpp"
#include "replica/replicator.hpp"

namespace litestreamd {

// Of this process; 0 where the system does not say.
struct ProcessStats {
  double cpu_seconds = 0;
  std::uint64_t resident_bytes = 0, open_fds = 0, max_fds = 0, threads = 0;
};
ProcessStats read_process_stats();

struct MetricsInput {
  std::string version, sqlite_version;
  replica::Timestamp now{}, started_at{};
  std::vector<replica::DatabaseStatus> databases;
  std::vector<OperationStats> operations;
  RequestsByType requests;  // of all databases that there ever were
  std::function<RequestsByType(const std::string& database)> requests_of = [](const std::string&) {
    return RequestsByType();
  };
  std::vector<ControlStats> control;
  ProcessStats process;
  replica::QueueDepths queues;
  std::size_t max_databases = SIZE_MAX;  // with series of their own
};

// Pure. Every series of a database carries its full path as `db`. With more than `max_databases`, those that fail come
// first; the aggregates count all.
std::string render_metrics(const MetricsInput& input);

}  // namespace litestreamd
