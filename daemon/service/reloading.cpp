// config.reload, also SIGHUP.
#include <algorithm>
#include <unordered_map>

#include "config/diff.hpp"
#include "service/answers.hpp"
#include "service/reload_plan.hpp"
#include "service/service.hpp"

namespace litestreamd {

using control::fail;
using control::Result;
using replica::LogLevel;
using Kind = ReloadStep::Kind;

namespace {

constexpr std::chrono::seconds kForget{2};

replica::Call soon() { return {.stop = {}, .deadline = std::chrono::steady_clock::now() + kForget}; }

std::vector<std::string> places_of(const replica::DatabaseStatus& status) {
  if (status.replicas.empty()) return {status.replica_url};
  std::vector<std::string> places;
  places.reserve(status.replicas.size());
  for (const replica::ReplicaStatus& one : status.replicas) places.push_back(one.url);
  return places;
}

// What was in force before for those databases that could not follow, so that the next reload tries them again.
void keep_failed(config::Remembered& next, const config::Remembered& before, const std::vector<std::string>& failed) {
  for (const std::string& path : failed) {
    next.erase(path);
    if (const auto old = before.find(path)) next.put(*old);
  }
}

std::string missing(const replica::LeftBehind& left) {
  if (!left.captured) return "unknown";
  return left.replicated.next().text() + "-" + left.captured.text();
}

}  // namespace

Result<void> Service::open(const std::string& path) {
  const auto started = replicator_.start(path, false);
  if (!started && started.error().code != replica::Errc::already_exists) return fail(other("", started.error()));
  return {};
}

// It is closed, or not there; if somebody has opened it in the last moment, that is not waited for.
Result<void> Service::forget(const std::string& path) {
  const auto removed = replicator_.remove(path, soon());
  if (!removed && removed.error().code != replica::Errc::not_found) return fail(other("", removed.error()));
  added_.erase(path);
  return {};
}

std::optional<ReloadStep> Service::step_to(const config::DatabaseSettings& settings) const {
  const auto before = replicator_.status(settings.path);
  ReloadStep step{.kind = Kind::renew, .path = settings.path, .settings = &settings};
  step.opens = settings.starts_by_itself();
  if (!before) return step;
  const auto by_call = added_.find(settings.path);
  if (by_call != added_.end() && config::same_settings(by_call->second, settings)) return std::nullopt;
  step.closes = true;
  step.leaving = leaving_places(places_of(*before), settings);
  // Closed by hand it stays closed, unless the file now says otherwise.
  const auto old = known_.find(settings.path);
  if (before->state == replica::DatabaseState::closed && old && old->starts_by_itself() == settings.starts_by_itself())
    step.opens = false;
  return step;
}

std::vector<ReloadStep> Service::plan_reload(const config::Diff& diff, const config::Config& next) const {
  std::vector<ReloadStep> steps;
  std::unordered_map<std::string_view, const config::DatabaseSettings*> wanted;
  for (const config::DatabaseSettings& one : next.databases) wanted.emplace(one.path, &one);
  const auto closing = [&](Kind kind, const std::string& path) {
    ReloadStep step{.kind = kind, .path = path};
    const auto before = replicator_.status(path);
    step.closes = before.has_value();
    if (before) step.leaving = places_of(*before);
    steps.push_back(std::move(step));
  };
  for (const std::string& path : diff.removed) closing(Kind::forget, path);
  for (const auto* paths : {&diff.modified, &diff.added}) {
    for (const std::string& path : *paths)
      if (auto step = step_to(*wanted.at(path))) steps.push_back(std::move(*step));
  }
  for (const std::string& path : diff.switched) {
    if (wanted.at(path)->starts_by_itself()) {
      steps.push_back({.kind = Kind::open, .path = path});
    } else {
      closing(Kind::close, path);
    }
  }
  order_steps(steps);
  return steps;
}

// Of a database that is closed now, if it was registered.
Result<void> Service::carry_out(const ReloadStep& step) {
  const std::lock_guard lock(registering_);
  if (step.kind == Kind::close) return {};
  if (step.kind == Kind::open) return open(step.path);
  if (step.kind == Kind::forget) return forget(step.path);
  const auto database = config::database_config(*step.settings, metering_);
  if (auto replaced = replicator_.replace(database, soon()); !replaced) return fail(other("", replaced.error()));
  added_.erase(step.path);
  return step.opens ? open(step.path) : Result<void>{};
}

void Service::warn_of(const std::string& path, const std::vector<replica::LeftBehind>& left_behind) {
  for (const replica::LeftBehind& left : left_behind) {
    logger_.log(LogLevel::warn, "replica let go without its last transactions",
                {{"path", path},
                 {"replica", left.replica},
                 {"missing", missing(left)},
                 {"error", left.error ? left.error->message : "it did not take them in time"}});
  }
}

// What must not wait comes first: databases that are new, then each as soon as it is closed, then what had to wait.
void Service::carry_out_all(const std::vector<ReloadStep>& steps, const replica::Call& call, const FailedStep& failed) {
  const auto try_out = [&](const ReloadStep& step) {
    if (auto done = carry_out(step); !done) failed(step.path, std::move(done.error()));
  };
  std::vector<replica::Leaving> leaving;
  std::unordered_map<std::string_view, const ReloadStep*> closing;
  std::vector<const ReloadStep*> waiting;
  for (const ReloadStep& step : steps) {
    if (step.closes) {
      leaving.push_back({step.path, step.leaving});
      closing.emplace(step.path, &step);
    } else if (step.waits) {
      waiting.push_back(&step);
    } else {
      try_out(step);
    }
  }
  const auto closed = [&](const std::string& path, replica::Result<std::vector<replica::LeftBehind>> left) {
    const ReloadStep* step = closing.at(path);
    if (!left && left.error().code != replica::Errc::not_found) return failed(path, other("", left.error()));
    if (left) warn_of(path, *left);
    if (step->waits) return waiting.push_back(step);
    try_out(*step);
  };
  replicator_.let_go(leaving, closed, call);
  for (const ReloadStep* step : waiting) try_out(*step);
}

void Service::take_over(const config::Config& next, const config::Diff& diff, const std::vector<std::string>& failed) {
  const std::lock_guard lock(registering_);
  logger_.set_level(effective_level(next.logging, log_level_, load_.environment));
  for (const std::string& key : diff.needs_restart)
    logger_.log(LogLevel::warn, "takes effect at the next start", {{"key", key}});
  config::Remembered databases(next.databases);
  keep_failed(databases, known_, failed);
  known_ = std::move(databases);
  loaded_.logging.level = next.logging.level;  // the other keys are as they were at the start
  logger_.log(LogLevel::info, "configuration reloaded",
              {{"config", loaded_.file},
               {"added", std::to_string(diff.added.size())},
               {"removed", std::to_string(diff.removed.size())},
               {"modified", std::to_string(diff.modified.size())},
               {"switched", std::to_string(diff.switched.size())}});
}

Result<control::ReloadResult> Service::reload_config(const control::ReloadParams& params, const control::Call& call) {
  if (closing_) return fail(shutting_down());
  // One after the other: each waits for last uploads, within limits.
  std::unique_lock reloading(reloading_, std::defer_lock);
  if (call.deadline == std::chrono::steady_clock::time_point::max()) {
    reloading.lock();
  } else if (!reloading.try_lock_until(call.deadline)) {
    return fail(control::timeout_error("config.reload"));
  }
  if (reload_credentials_ && !params.safety.dry_run) reload_credentials_();
  auto next = read_config({});
  if (!next) return fail(next.error());
  std::unique_lock lock(registering_);
  const config::Diff diff = config::diff(loaded_, known_, *next);
  control::ReloadResult result{.diff = wire_diff(diff), .change = {.changed = !diff.empty()}};
  if (params.safety.dry_run) {
    result.change.dry_run = true;
    return result;
  }
  config_file_.note_loaded(*next);
  const std::vector<ReloadStep> steps = plan_reload(diff, *next);
  lock.unlock();  // other calls go on while last uploads are waited for

  std::vector<std::string> failed;
  std::optional<control::Error> first;
  carry_out_all(steps, call_of(call), [&](const std::string& path, control::Error error) {
    logger_.log(LogLevel::error, "cannot take over the configuration", {{"path", path}, {"error", error.message}});
    failed.push_back(path);
    if (!first) first = std::move(error);
  });
  take_over(*next, diff, failed);
  if (first)
    return fail(error("reloaded, but not for " + failed.front() + ": " + first->message, "reload_failed", first->hint,
                      first->retryable));
  return result;
}

}  // namespace litestreamd
