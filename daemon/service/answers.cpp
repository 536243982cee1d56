#include "service/answers.hpp"

#include <algorithm>

#include "config/paths.hpp"

namespace litestreamd {

using control::fail;
using control::Result;
using replica::Errc;

replica::Call call_of(const control::Call& call) {
  replica::Call out{.stop = call.stop, .deadline = {}};
  if (call.deadline != std::chrono::steady_clock::time_point::max()) out.deadline = call.deadline;
  return out;
}

Result<std::string> clean(const std::string& path) {
  auto absolute = config::absolute_path(path);
  if (!absolute) return fail(control::invalid_params("invalid path: " + absolute.error().message));
  return std::move(*absolute);
}

control::DatabaseState wire_state(replica::DatabaseState state) {
  return state == replica::DatabaseState::open ? control::DatabaseState::open : control::DatabaseState::closed;
}

control::ConfigDiff wire_diff(config::Diff diff) {
  return {.added = std::move(diff.added),
          .removed = std::move(diff.removed),
          .modified = std::move(diff.modified),
          .switched = std::move(diff.switched),
          .applied = std::move(diff.applied),
          .needs_restart = std::move(diff.needs_restart)};
}

control::Error error(std::string message, std::string reason, std::string hint, bool retryable) {
  return {control::code::kApplication, std::move(message), std::move(reason), std::move(hint), retryable};
}

control::Error not_found(const std::string& path) {
  return error("database not found: " + path, "not_found",
               "name it in the configuration file, or give one with -config");
}

control::Error shutting_down() { return error("the daemon is shutting down", "shutting_down", {}, true); }

control::Error other(std::string_view prefix, const replica::Error& from, std::string_view reason) {
  return error(std::string(prefix) + from.message, std::string(reason.empty() ? replica::name(from.code) : reason),
               from.hint, replica::is_retryable(from));
}

std::optional<control::Error> gave_up(std::string_view method, const control::Call& call, const replica::Error& from) {
  if (from.code == Errc::cancelled && call.stop.stop_requested()) return shutting_down();
  if (from.code == Errc::timed_out && std::chrono::steady_clock::now() >= call.deadline) {
    control::Error timeout = control::timeout_error(method);
    if (!from.hint.empty()) timeout.hint = from.hint;  // what went wrong meanwhile
    return timeout;
  }
  return std::nullopt;
}

std::optional<std::string> taken_by_other(const std::vector<replica::DatabaseStatus>& databases,
                                          const replica::DatabaseConfig& wanted) {
  const auto places = replica::destinations(wanted);
  const auto wants = [&](const std::string& url) {
    return std::any_of(places.begin(), places.end(), [&](const auto& place) { return place.url == url; });
  };
  for (const replica::DatabaseStatus& known : databases) {
    if (known.path == wanted.path) continue;
    std::vector<std::string> used{known.replica_url};
    for (const replica::ReplicaStatus& one : known.replicas) used.push_back(one.url);
    const auto both = std::find_if(used.begin(), used.end(), wants);
    if (both != used.end()) return "replica " + *both + " is already used by " + known.path;
  }
  return std::nullopt;
}

}  // namespace litestreamd
