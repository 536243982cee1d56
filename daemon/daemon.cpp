#include "daemon.hpp"

#include <unistd.h>

#include <atomic>
#include <csignal>
#include <cstring>
#include <iostream>
#include <thread>

#include "audit_log.hpp"
#include "cli/flags.hpp"
#include "config/paths.hpp"
#include "control/methods.hpp"
#include "control/server.hpp"
#include "descriptors.hpp"
#include "health.hpp"
#include "heap.hpp"
#include "hooks/hooks.hpp"
#include "log_sink.hpp"
#include "metrics.hpp"
#include "process.hpp"
#include "reloader.hpp"
#include "security.hpp"
#include "service/service.hpp"

namespace litestreamd {

using replica::Errc;
using replica::fail;
using replica::LogLevel;
using replica::Result;

namespace {

constexpr std::chrono::seconds kHookPatience{5};  // with hooks at the end

// Everything that runs, in the order of its making; destroyed the other way round.
class Daemon {
 public:
  Daemon(DaemonOptions options, LogSink& log, Events events)
      : options_(std::move(options)),
        databases_(std::exchange(options_.config.databases, {})),
        log_(log),
        events_(std::move(events)),
        started_at_(clock_.now()),
        meter_(clock_),
        replicator_(replicator_settings()),
        service_({.replicator = replicator_,
                  .log = log,
                  .metering = &meter_,
                  .requests = [this](const std::string& database) { return meter_.requests_of(database); },
                  .log_level = options_.log_level,
                  .reload_credentials = [this] { reload_credentials(); }},
                 info(), options_.config, databases_, options_.load),
        reloader_([this](std::stop_token stop) { reload(std::move(stop)); }) {}

  int run();

 private:
  const config::Config& config() const { return options_.config; }
  replica::ReplicatorOptions replicator_settings() {
    auto settings = config::replicator_options(config());
    settings.logger = &log_;
    settings.clock = &clock_;
    settings.after_rest = trim_heap;
    settings.max_open_databases = open_databases(settings.max_open_databases, descriptors_);
    return settings;
  }
  DaemonInfo info() const;
  void greet();
  void tell_limit();
  Result<void> start();
  Result<void> register_databases();
  Result<void> listen();
  void observe(const control::CallRecord& call);
  // Tokens, certificates and the file of the audit log anew.
  void reload_credentials();
  Result<void> start_databases();
  std::vector<std::string> places_of(const std::string& database) const;
  void notify(const std::string& state);
  // Until there is a reason to end.
  Result<void> wait();
  void on_signal(int number);
  void reload(std::stop_token stop);
  void end_child();
  // Flushes all, while signals are still heard; false when something was not uploaded.
  bool shut_down();
  std::string metrics() const;
  control::Health health(const control::HealthQuery& query) const;

  DaemonOptions options_;                            // but for the databases:
  std::vector<config::DatabaseSettings> databases_;  // empty once they are registered
  struct Registered {
    std::string path;
    bool starts;
  };
  std::vector<Registered> registered_;  // empty once they are started
  LogSink& log_;
  Events events_;
  replica::SystemClock clock_;
  replica::Timestamp started_at_;
  std::size_t descriptors_ = raise_descriptor_limit();
  BackendMeter meter_;
  replica::Replicator replicator_;
  Service service_;
  std::unique_ptr<AuditLog> audit_;
  std::shared_ptr<control::Access> access_;
  ControlMeter control_meter_;
  Reloader reloader_;
  std::unique_ptr<Hooks> hooks_;
  std::optional<control::Server> server_;
  std::atomic<bool> listening_ = false;  // server_ is there
  std::optional<Child> child_;
  std::optional<int> child_status_;
  int stop_signal_ = 0;  // the one that ended us
  std::stop_source abort_;
};

DaemonInfo Daemon::info() const {
  DaemonInfo out;
  out.version = "v" + std::string(cli::kVersion);
  out.config_path = config().file;
  if (config().socket.is_on()) out.socket_path = config().socket.path_or_default();
  out.http_addr = config().addr;
  out.persist_to_config = config().socket.persist_to_config;
  out.sqlite_version = replica::sqlite_info().version;
  out.started_at = started_at_;
  return out;
}

void Daemon::greet() {
  const replica::SqliteInfo sqlite = replica::sqlite_info();
  log_.log(LogLevel::info, "litestreamd", {{"version", std::string(cli::kVersion)}, {"sqlite", sqlite.version}});
  if (sqlite.has_wal_reset_bug)
    log_.log(LogLevel::debug, "this SQLite has the WAL-reset bug; an update is due where applications use it",
             {{"sqlite", sqlite.version}});
}

void Daemon::tell_limit() {
  const std::size_t open = open_databases(config().max_open_databases, descriptors_);
  const std::size_t all = replicator_.counts().registered;
  if (config().max_open_databases > open)
    log_.log(LogLevel::warn, "max-open-databases is more than the limit of open files allows",
             {{"open", std::to_string(open)}, {"limit", std::to_string(descriptors_)}});
  if (all > open)
    log_.log(LogLevel::info, "more databases than are held open at once: quiet ones hibernate, busy ones take turns",
             {{"databases", std::to_string(all)}, {"open", std::to_string(open)}});
}

Result<void> Daemon::listen() {
  control::ServerOptions server;
  if (config().socket.is_on()) server.socket_path = config().socket.path_or_default();
  server.socket_permissions = config().socket.permissions;
  server.http_addr = config().addr;
  if (server.socket_path.empty() && server.http_addr.empty()) return {};
  server.metrics = [this] { return metrics(); };
  server.health = [this](const control::HealthQuery& query) { return health(query); };
  if (auto r = apply_security(config(), options_.load.environment, server); !r) return r;
  access_ = server.access;
  if (const std::string& path = config().control.audit_log; !path.empty()) {
    auto audit = AuditLog::open(path, clock_, log_);
    if (!audit) return replica::pass(audit);
    audit_ = std::move(*audit);
  }
  server.observer = [this](const control::CallRecord& call) { observe(call); };
  const std::string scheme = server.tls ? "https://" : "http://";
  auto started = control::Server::start(service_, std::move(server));
  if (!started) return fail(Errc::unavailable, started.error().message, started.error().hint);
  server_ = std::move(*started);
  listening_ = true;
  if (!server_->socket_path().empty())
    log_.log(LogLevel::info, "control socket listening", {{"path", server_->socket_path()}});
  if (!server_->http_addr().empty())
    log_.log(LogLevel::info, "serving metrics on", {{"url", scheme + server_->http_addr() + "/metrics"}});
  for (const std::string& warning : security_warnings(config(), *access_)) log_.log(LogLevel::warn, warning);
  return {};
}

void Daemon::observe(const control::CallRecord& call) {
  const std::string_view method = call.known != nullptr ? call.known->name : "unknown";
  const std::string_view reason = call.error != nullptr ? std::string_view(call.error->reason) : std::string_view();
  control_meter_.record(method, std::chrono::duration<double>(call.duration).count(), reason);
  if (audit_) audit_->note(call);
}

void Daemon::reload_credentials() {
  const auto complain = [this](const std::string& error) {
    log_.log(LogLevel::error, "reload failed, what was read before stays valid", {{"error", error}});
  };
  if (audit_)
    if (auto r = audit_->reopen(); !r) complain(r.error().message);
  if (!listening_) return;
  if (auto r = server_->reload(); !r) return complain(r.error().message);
  for (const std::string& warning : access_->warnings()) log_.log(LogLevel::warn, warning);
  log_.log(LogLevel::info, "tokens and certificates read");
}

Result<void> Daemon::register_databases() {
  registered_.reserve(databases_.size());
  // Each let go of as soon as it is registered: the service remembers them, and the Replicator has what it needs.
  for (config::DatabaseSettings& given : databases_) {
    const config::DatabaseSettings settings = std::exchange(given, {});
    if (auto added = replicator_.add(config::database_config(settings, &meter_)); !added) return added;
    registered_.push_back({settings.path, settings.starts_by_itself()});
  }
  std::vector<config::DatabaseSettings>().swap(databases_);
  if (!registered_.empty() || config().socket.is_on() || !config().addr.empty() || !config().exec.empty()) return {};
  return fail(Errc::invalid_argument, "no databases specified in configuration",
              "list some under dbs, or enable the control socket to add them at run time");
}

std::vector<std::string> Daemon::places_of(const std::string& path) const {
  std::vector<std::string> places;
  const auto status = replicator_.status(path);
  if (!status) return places;
  for (const replica::ReplicaStatus& one : status->replicas) places.push_back(one.url);
  if (places.empty()) places.push_back(status->replica_url);
  return places;
}

Result<void> Daemon::start_databases() {
  if (registered_.empty()) log_.log(LogLevel::info, "no databases configured; they may be started by control calls");
  for (const auto& [path, starts] : std::exchange(registered_, {})) {
    if (!starts) {
      log_.log(LogLevel::info, "database registered, not started", {{"path", path}});
      continue;
    }
    auto started = replicator_.start(path, false);
    if (!started && started.error().code == Errc::already_exists) continue;  // a control call was faster
    if (!started) return started;
    if (!log_.enabled(LogLevel::info)) continue;
    for (const std::string& replica : places_of(path))
      log_.log(LogLevel::info, "replicating", {{"path", path}, {"replica", replica}});
  }
  return {};
}

void Daemon::notify(const std::string& state) {
  if (auto r = notify_supervisor(state); !r)
    log_.log(LogLevel::warn, "cannot notify the supervisor", {{"error", r.error().message}});
}

Result<void> Daemon::start() {
  greet();
  auto hooks = Hooks::start(config().events, options_.load.environment, replicator_.events(), log_);
  if (!hooks) return replica::pass(hooks);
  hooks_ = std::move(*hooks);
  // Registered before the first control call can ask for them, started only when no other daemon holds our socket.
  if (auto r = register_databases(); !r) return r;
  tell_limit();
  if (auto r = listen(); !r) return r;
  if (auto r = start_databases(); !r) return r;
  if (!config().exec.empty()) {
    auto child = Child::spawn(config().exec);
    if (!child) return replica::pass(child);
    child_ = *child;
    log_.log(LogLevel::info, "command started", {{"pid", std::to_string(child_->pid())}});
  }
  notify("READY=1");
  trim_heap();  // reading a large configuration takes several times what is kept of it
  return {};
}

void Daemon::end_child() {
  if (!child_) return;
  child_status_ = child_->try_wait();
  if (!child_status_) return;
  log_.log(LogLevel::info, "command ended", {{"status", std::to_string(*child_status_)}});
  child_.reset();
}

void Daemon::on_signal(int number) {
  if (number == SIGCHLD) return end_child();
  if (number == SIGHUP) {
    if (stop_signal_ == 0) reloader_.request();
    return;
  }
  if (stop_signal_ == 0) {
    stop_signal_ = number;
    log_.log(LogLevel::info, "signal received, litestreamd shutting down", {{"signal", strsignal(number)}});
  } else {
    log_.log(LogLevel::warn, "second signal received, giving up what is not uploaded yet");
    abort_.request_stop();
  }
  if (child_) child_->signal(number);
}

void Daemon::reload(std::stop_token stop) {
  log_.log(LogLevel::info, "signal received, reloading the configuration");
  const auto now = std::chrono::duration_cast<std::chrono::microseconds>(clock_.steady().time_since_epoch());
  notify("RELOADING=1\nMONOTONIC_USEC=" + std::to_string(now.count()));
  const auto reloaded = service_.reload_config({}, {.stop = std::move(stop)});
  if (!reloaded)
    log_.log(LogLevel::error, "configuration not reloaded",
             {{"error", reloaded.error().message}, {"hint", reloaded.error().hint}});
  notify("READY=1");
}

Result<void> Daemon::wait() {
  while (!child_status_ && (stop_signal_ == 0 || child_) && !abort_.stop_requested()) {
    auto event = events_.next();
    if (!event) return replica::pass(event);
    if (event->kind == Event::Kind::signal) on_signal(event->signal);
  }
  return {};
}

bool Daemon::shut_down() {
  notify("STOPPING=1");
  service_.refuse_changes();
  reloader_.stop();
  std::vector<std::pair<std::string, replica::Error>> failures;
  std::atomic<bool> done = false;
  std::jthread flush([&] {
    failures = replicator_.stop_all(replica::Call{.stop = abort_.get_token(), .deadline = {}});
    done = true;
    events_.wake();
  });
  while (!done) {
    auto event = events_.next();
    if (!event) break;  // then without the second signal
    if (event->kind == Event::Kind::signal) on_signal(event->signal);
  }
  flush.join();
  if (hooks_) hooks_->finish(kHookPatience);  // they are told of the stops too
  if (server_) server_->stop();
  for (const auto& [path, error] : failures) {
    log_.log(LogLevel::error, "final upload failed",
             {{"path", path}, {"code", std::string(replica::name(error.code))}, {"error", error.message}});
    std::cerr << cli::describe({error.code, "final upload of " + path + " failed: " + error.message, error.hint});
  }
  log_.log(LogLevel::info, "litestreamd shut down");
  return failures.empty();
}

int Daemon::run() {
  auto outcome = start();
  if (outcome) outcome = wait();
  if (!outcome) {
    log_.log(LogLevel::error, outcome.error().message, {});
    std::cerr << cli::describe(outcome.error());
  }
  const bool flushed = shut_down();
  if (!outcome) return EXIT_FAILURE;
  const int status = child_status_.value_or(0);
  // A command that ended by the signal that we passed on has done as it was told.
  if (status != 0 && (stop_signal_ == 0 || status != 128 + stop_signal_)) return status;
  return flushed ? EXIT_SUCCESS : EXIT_FAILURE;
}

std::string Daemon::metrics() const {
  MetricsInput input;
  input.version = cli::kVersion;
  input.sqlite_version = replica::sqlite_info().version;
  input.now = clock_.now();
  input.started_at = started_at_;
  input.databases = replicator_.list();
  input.operations = meter_.stats();
  input.requests = meter_.requests();
  input.requests_of = [this](const std::string& database) { return meter_.requests_of(database); };
  input.process = read_process_stats();
  input.queues = replicator_.queue_depths();
  input.control = control_meter_.stats();
  input.max_databases = config().max_measured_databases;
  return render_metrics(input);
}

control::Health Daemon::health(const control::HealthQuery& query) const {
  return judge(replicator_.list(), query, clock_.now(), started_at_);
}

}  // namespace

int run_daemon(DaemonOptions options) {
  auto events = Events::open();
  if (!events) {
    std::cerr << cli::describe(events.error());
    return EXIT_FAILURE;
  }
  const auto log = make_log_sink(options.config.logging, options.log_level, options.load.environment);
  return Daemon(std::move(options), *log, std::move(*events)).run();
}

}  // namespace litestreamd
