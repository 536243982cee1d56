#include "health.hpp"

#include <cstdio>

namespace litestreamd {
namespace {

using replica::DatabaseStatus;

std::string seconds_text(double seconds) {
  char text[32];
  std::snprintf(text, sizeof(text), "%.1f s", seconds);
  return text;
}

// Empty when the database is well.
std::string complaint(const DatabaseStatus& status, const control::HealthQuery& query, double lag) {
  if (status.last_error) return (status.auth_failed ? "auth_failed: " : "") + status.last_error->message;
  if (query.max_lag_seconds && lag > *query.max_lag_seconds) return "lags " + seconds_text(lag);
  if (query.ready && !status.last_sync_at) return "not replicated yet";
  return {};
}

}  // namespace

double lag_seconds(const DatabaseStatus& status, replica::Timestamp now, replica::Timestamp started_at) {
  const bool behind = status.local_txid > status.replicated_txid || status.last_error.has_value();
  const replica::Timestamp since = status.behind_since.value_or(status.last_sync_at.value_or(started_at));
  if (!behind || now <= since) return 0;
  return std::chrono::duration<double>(now - since).count();
}

control::Health judge(const std::vector<DatabaseStatus>& databases, const control::HealthQuery& query,
                      replica::Timestamp now, replica::Timestamp started_at) {
  control::Health out;
  for (const DatabaseStatus& status : databases) {
    if (status.state != replica::DatabaseState::open) continue;
    const std::string why = complaint(status, query, lag_seconds(status, now, started_at));
    if (why.empty()) continue;
    if (out.ok) out.text.clear();
    out.ok = false;
    out.text += status.path + ": " + why + "\n";
  }
  return out;
}

}  // namespace litestreamd
