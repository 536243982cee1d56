// A Service that does what the test says, a raw connection and a directory: what the tests of servers share.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <condition_variable>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "control/api.hpp"
#include "support/catch.hpp"

namespace control_test {

using namespace std::chrono_literals;
inline constexpr auto kPatience = 20s;  // before a test gives up

class TempDir {
 public:
  TempDir() {
    std::string pattern = (std::filesystem::temp_directory_path() / "control-test-XXXXXX").string();
    path_ = ::mkdtemp(pattern.data());
    std::filesystem::permissions(path_, std::filesystem::perms(0755));
  }
  ~TempDir() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;
  std::string operator/(const std::string& name) const { return (path_ / name).string(); }

 private:
  std::filesystem::path path_;
};

// A ring of events, of which the test is the publisher; sources hold on to it.
class FakeEvents {
 public:
  explicit FakeEvents(std::size_t capacity) : capacity_(capacity) {}

  void publish(std::string kind, std::string path = "/a.db") {
    const std::lock_guard lock(mutex_);
    ring_.push_back({.seq = ++last_, .time = "2024-01-01T00:00:00Z", .kind = std::move(kind), .path = std::move(path)});
    if (ring_.size() > capacity_) ring_.erase(ring_.begin());
    for (const auto& [source, wake] : wakes_) wake();
  }
  std::uint64_t next() const {
    const std::lock_guard lock(mutex_);
    return last_ + 1;
  }
  std::size_t watchers() const {
    const std::lock_guard lock(mutex_);
    return wakes_.size();
  }

 private:
  friend class FakeSource;
  mutable std::mutex mutex_;
  std::size_t capacity_;
  std::uint64_t last_ = 0;
  std::vector<control::EventNotice> ring_;
  std::map<const void*, std::function<void()>> wakes_;
};

class FakeSource final : public control::EventSource {
 public:
  FakeSource(std::shared_ptr<FakeEvents> events, control::WatchParams params)
      : events_(std::move(events)), params_(std::move(params)), next_(params_.from.value_or(events_->next())) {
    first_ = next_;
  }
  ~FakeSource() override {
    const std::lock_guard lock(events_->mutex_);
    events_->wakes_.erase(this);
  }
  FakeSource(const FakeSource&) = delete;
  FakeSource& operator=(const FakeSource&) = delete;
  control::WatchResult subscription() const override { return {.run = "fake", .next = first_}; }
  control::Result<std::vector<control::EventNotice>> take(std::size_t limit) override {
    const std::lock_guard lock(events_->mutex_);
    const std::uint64_t oldest = events_->last_ + 1 - events_->ring_.size();
    if (next_ < oldest) {
      return control::fail({.message = "events before " + std::to_string(oldest) + " are gone", .reason = "too_slow"});
    }
    std::vector<control::EventNotice> taken;
    for (; next_ <= events_->last_ && taken.size() < limit; ++next_) {
      const control::EventNotice& event = events_->ring_[next_ - oldest];
      const auto& kinds = params_.kinds;
      if (kinds.empty() || std::find(kinds.begin(), kinds.end(), event.kind) != kinds.end()) taken.push_back(event);
    }
    return taken;
  }
  void on_event(std::function<void()> wake) override {
    const std::lock_guard lock(events_->mutex_);
    events_->wakes_[this] = std::move(wake);
  }

 private:
  std::shared_ptr<FakeEvents> events_;
  control::WatchParams params_;
  std::uint64_t next_ = 0, first_ = 0;
};

// Knows the databases "/a.db" (open) and "/b.db" (closed). Calls with `wait` block until open_gate().
class FakeService : public control::Service {
 public:
  control::Result<control::StartResult> start(const control::StartParams& params, const control::Call& call) override {
    if (params.path == "/throw.db") throw std::runtime_error("boom");
    if (params.path == "/throw-int.db") throw 7;
    note("start " + params.path + " " + params.config.value_or("-") + (params.wait ? " wait" : "") +
             word(params.persist) + (params.safety.dry_run ? " dry" : ""),
         call);
    if (params.path == "/a.db") {
      return control::fail({.message = "database already enabled: /a.db", .reason = "already_enabled", .hint = "none"});
    }
    if (auto r = known(params.path); !r) return control::fail(r.error());
    if (auto r = wait_if(params.wait, call, "start"); !r) return control::fail(r.error());
    return control::StartResult{.path = params.path};
  }
  control::Result<control::StopResult> stop(const control::StopParams& params, const control::Call& call) override {
    note("stop " + params.path + word(params.persist), call);
    if (auto r = known(params.path); !r) return control::fail(r.error());
    if (stop_error) return control::fail(*stop_error);
    return control::StopResult{.path = params.path, .txid = 42};
  }
  control::Result<control::SyncResult> sync(const control::SyncParams& params, const control::Call& call) override {
    note("sync " + params.path + (params.wait ? " wait" : ""), call);
    if (auto r = known(params.path); !r) return control::fail(r.error());
    if (sync_error) return control::fail(*sync_error);
    if (auto r = wait_if(params.wait, call, "sync"); !r) return control::fail(r.error());
    return control::SyncResult{.path = params.path, .txid = 42, .replicated_txid = 41};
  }
  control::Result<control::DatabaseEntry> status(const control::StatusParams& params,
                                                 const control::Call& call) override {
    note("status " + params.path, call);
    if (auto r = known(params.path); !r) return control::fail(r.error());
    control::DatabaseEntry entry{params.path, control::DatabaseState::open};
    if (params.details) add_details(entry);
    return entry;
  }
  control::Result<std::vector<control::DatabaseEntry>> list(const control::ListParams& params,
                                                            const control::Call& call) override {
    note("list", call);
    std::vector<control::DatabaseEntry> entries{{"/a.db", control::DatabaseState::open},
                                                {"/b.db", control::DatabaseState::closed}};
    for (int i = 0; i < extra_entries; ++i) entries.push_back({"/extra/" + std::to_string(i) + ".db"});
    if (params.details) add_details(entries.front());
    return entries;
  }
  control::Result<control::InfoResult> info(const control::Call& call) override {
    note("info", call);
    return control::InfoResult{.version = "v0",
                               .pid = 1,
                               .config_path = "/c.yml",
                               .socket_path = "/s",
                               .http_addr = "h:1",
                               .databases = 2,
                               .open_databases = 1,
                               .started_at = "2024-01-01T00:00:00Z"};
  }
  control::Result<control::RegisterResult> register_database(const control::RegisterParams& params,
                                                             const control::Call& call) override {
    note("register " + params.path + " " + params.replica_url + word(params.persist), call);
    if (register_error) return control::fail(*register_error);
    const bool is_new = !known(params.path);
    return control::RegisterResult{is_new ? "registered" : "already_registered", params.path, {.changed = is_new}};
  }
  control::Result<control::UnregisterResult> unregister_database(const control::UnregisterParams& params,
                                                                 const control::Call& call) override {
    note("unregister " + params.path + word(params.persist), call);
    if (known(params.path)) return control::UnregisterResult{.path = params.path, .txid = 42};
    return control::UnregisterResult{"already_unregistered", params.path, 0, {.changed = false}};
  }
  control::Result<control::TxidResult> txid(const control::TxidParams& params, const control::Call& call) override {
    note("txid " + params.path, call);
    if (auto r = known(params.path); !r) return control::fail(r.error());
    return control::TxidResult{42};
  }
  control::Result<std::vector<control::SyncStatusEntry>> sync_status(const control::SyncStatusParams& params,
                                                                     const control::Call& call) override {
    note("sync_status " + params.path.value_or("-"), call);
    const control::SyncStatusEntry a{.path = "/a.db",
                                     .active = true,
                                     .operation = "sync",
                                     .txid = 42,
                                     .wal_size = 4152,
                                     .error = "disk full",
                                     .status = control::DatabaseState::open,
                                     .replicated_txid = 41,
                                     .last_sync_at = "2024-01-01T00:00:00.5Z"};
    const control::SyncStatusEntry b{.path = "/b.db"};
    if (!params.path) return std::vector{a, b};
    if (auto r = known(*params.path); !r) return control::fail(r.error());
    return std::vector{*params.path == "/a.db" ? a : b};
  }

  control::Result<control::ValidateResult> validate_config(const control::ConfigParams& params,
                                                           const control::Call& call) override {
    note("validate_config " + params.config.value_or("-"), call);
    return control::ValidateResult{.config = params.config.value_or("/c.yml"), .databases = 2};
  }
  control::Result<control::ConfigDiff> diff_config(const control::ConfigParams& params,
                                                   const control::Call& call) override {
    note("diff_config " + params.config.value_or("-"), call);
    return control::ConfigDiff{.added = {"/new.db"}, .needs_restart = {"addr"}};
  }
  control::Result<control::ReloadResult> reload_config(const control::ReloadParams&,
                                                       const control::Call& call) override {
    note("reload_config", call);
    return control::ReloadResult{.diff = {.removed = {"/old.db"}}};
  }
  control::Result<control::LogLevelResult> log_level(const control::LogLevelParams& params,
                                                     const control::Call& call) override {
    note("log_level " + params.level.value_or("-"), call);
    return control::LogLevelResult{.level = params.level.value_or("info"), .change = {.changed = false}};
  }
  control::Result<control::PositionResult> position(const control::PositionParams& params,
                                                    const control::Call& call) override {
    note("position " + params.path, call);
    if (auto r = known(params.path); !r) return control::fail(r.error());
    return control::PositionResult{
        .path = params.path, .txid = 43, .replicated_txid = 42, .lag_bytes = 8320, .lag_seconds = 0.5};
  }
  // Without a txid it blocks as the calls with `wait` do.
  control::Result<control::WaitResult> wait(const control::WaitParams& params, const control::Call& call) override {
    note("wait " + params.path + (params.txid ? " " + std::to_string(*params.txid) : ""), call);
    if (auto r = known(params.path); !r) return control::fail(r.error());
    if (auto r = wait_if(wait_blocks && !params.txid, call, "wait"); !r) return control::fail(r.error());
    return control::WaitResult{.path = params.path, .replicated_txid = 42};
  }
  control::Result<std::shared_ptr<control::EventSource>> subscribe(const control::WatchParams& params,
                                                                   const control::Call& call) override {
    note("subscribe", call);
    if (params.from && *params.from > 1'000'000)
      return control::fail({.message = "there is no event yet", .reason = "events_gone"});
    return std::make_shared<FakeSource>(events, params);
  }

  void open_gate() {
    const std::lock_guard lock(mutex_);
    gate_open_ = true;
    changed_.notify_all();
  }
  // Until so many calls block at the gate.
  bool wait_for_waiting(int n) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, kPatience, [&] { return waiting_ >= n; });
  }
  // Until so many calls have left the gate.
  bool wait_for_finished(int n) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, kPatience, [&] { return finished_ >= n; });
  }
  std::vector<std::string> calls() const {
    const std::lock_guard lock(mutex_);
    return calls_;
  }
  control::Call last_call() const {
    const std::lock_guard lock(mutex_);
    return last_call_;
  }

  int extra_entries = 0;
  std::optional<control::Error> stop_error{}, sync_error{}, register_error{};
  bool wait_blocks = false;
  std::shared_ptr<FakeEvents> events = std::make_shared<FakeEvents>(1000);

 private:
  static std::string word(const std::optional<bool>& persist) {
    return !persist ? "" : *persist ? " persist" : " no-persist";
  }
  void note(std::string what, const control::Call& call) {
    const std::lock_guard lock(mutex_);
    calls_.push_back(std::move(what));
    last_call_ = call;
  }
  static void add_details(control::DatabaseEntry& entry) {
    entry.txid = 43;
    entry.replicated_txid = 42;
    entry.lag_seconds = 1.5;
    entry.database_bytes = 8192;
    entry.wal_bytes = 4152;
    entry.replica = "file:///r";
    entry.last_sync_at = "2024-01-01T00:00:00Z";
    entry.last_error = control::LastError{"unavailable", "no route"};
    entry.replica_state = "failing";
  }
  static control::Result<void> known(const std::string& path) {
    if (path == "/a.db" || path == "/b.db") return {};
    return control::fail({.message = "database not found: " + path, .reason = "not_found"});
  }
  control::Result<void> wait_if(bool wait, const control::Call& call, const char* method) {
    if (!wait) return {};
    std::unique_lock lock(mutex_);
    ++waiting_;
    changed_.notify_all();
    const bool opened = changed_.wait_until(lock, call.stop, call.deadline, [&] { return gate_open_; });
    ++finished_;
    changed_.notify_all();
    if (opened) return {};
    if (call.stop.stop_requested()) return control::fail({.message = "interrupted", .reason = "shutting_down"});
    return control::fail(control::timeout_error(method));
  }

  mutable std::mutex mutex_;
  std::condition_variable_any changed_;
  std::vector<std::string> calls_;
  control::Call last_call_;
  bool gate_open_ = false;
  int waiting_ = 0;
  int finished_ = 0;
};

// A client that says whatever it is told to.
class RawConnection {
 public:
  static RawConnection unix_socket(const std::string& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, path.data(), path.size());
    return RawConnection(AF_UNIX, &address, sizeof(address));
  }
  // "127.0.0.1:PORT"
  static RawConnection tcp(const std::string& address_text) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(static_cast<std::uint16_t>(std::stoi(address_text.substr(address_text.rfind(':') + 1))));
    return RawConnection(AF_INET, &address, sizeof(address));
  }
  RawConnection(RawConnection&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  ~RawConnection() { close(); }

  void close() {
    if (fd_ >= 0) ::close(std::exchange(fd_, -1));
  }
  void end_of_requests() { ::shutdown(fd_, SHUT_WR); }

  // False when the other side does not take it any more.
  bool send(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t n = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (n <= 0) return false;
      bytes.remove_prefix(static_cast<std::size_t>(n));
    }
    return true;
  }
  bool readable(std::chrono::milliseconds patience) const {
    pollfd poller{.fd = fd_, .events = POLLIN, .revents = 0};
    return ::poll(&poller, 1, static_cast<int>(patience.count())) == 1;
  }
  // Everything up to and with `end`; less when the server hung up before.
  std::string until(std::string_view end) {
    std::size_t at = 0;
    while ((at = buffer_.find(end)) == std::string::npos) {
      if (!fill()) return std::exchange(buffer_, {});
    }
    std::string head = buffer_.substr(0, at + end.size());
    buffer_.erase(0, at + end.size());
    return head;
  }
  std::string line() { return until("\n"); }
  std::string all() {
    while (fill()) {
    }
    return std::exchange(buffer_, {});
  }
  // One HTTP response: head, and as much body as Content-Length says.
  std::string response() {
    std::string head = until("\r\n\r\n");
    const std::size_t at = head.find("Content-Length: ");
    const std::size_t length = at == std::string::npos ? 0 : std::stoul(head.substr(at + 16));
    while (buffer_.size() < length && fill()) {
    }
    head += buffer_.substr(0, length);
    buffer_.erase(0, length);
    return head;
  }

 private:
  RawConnection(int family, const void* address, socklen_t size)
      : fd_(::socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    REQUIRE(::connect(fd_, static_cast<const sockaddr*>(address), size) == 0);
  }
  bool fill() {
    std::array<char, 65536> chunk;
    REQUIRE(readable(kPatience));
    const ssize_t n = ::recv(fd_, chunk.data(), chunk.size(), 0);
    if (n > 0) buffer_.append(chunk.data(), static_cast<std::size_t>(n));
    return n > 0;
  }

  int fd_ = -1;
  std::string buffer_;
};

inline std::size_t entries_of(const char* directory) {
  std::size_t n = 0;
  for (const auto& entry : std::filesystem::directory_iterator(directory)) n += entry.path().empty() ? 0 : 1;
  return n;
}

// From an environment variable when it is set, so that a failure can be repeated.
inline unsigned seed_of_this_run() {
  const char* given = std::getenv("CONTROL_TEST_SEED");
  return given != nullptr ? static_cast<unsigned>(std::stoul(given)) : static_cast<unsigned>(::getpid()) * 2654435761U;
}

}  // namespace control_test
