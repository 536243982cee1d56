// Hooks: what they are told, when they end, and what happens when they are slow.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <mutex>
#include <thread>
#include <vector>

#include "hooks/command.hpp"
#include "hooks/runner.hpp"
#include "hooks/signature.hpp"
#include "hooks/webhook.hpp"
#include "support/catch.hpp"
#include "support/temp_dir.hpp"

using namespace litestreamd;
using namespace std::chrono_literals;
using replica::Errc;
using replica::Event;
using replica::EventBus;
using replica::EventKind;
using support::TempDir;

namespace {

Event made(EventKind kind, std::string path = "/data/a.db") { return {.kind = kind, .path = std::move(path)}; }

class Lines final : public replica::Logger {
 public:
  bool enabled(replica::LogLevel) const noexcept override { return true; }
  void write(replica::LogLevel, std::string_view message, std::span<const replica::LogField> fields) override {
    const std::lock_guard guard(lock_);
    std::string line(message);
    for (const auto& field : fields) line.append(" ").append(field.key).append("=").append(field.value);
    lines_.push_back(std::move(line));
  }
  bool has(std::string_view text) const {
    const std::lock_guard guard(lock_);
    return std::any_of(lines_.begin(), lines_.end(), [&](const auto& line) { return line.find(text) != line.npos; });
  }

 private:
  mutable std::mutex lock_;
  std::vector<std::string> lines_;
};

std::string contents(const std::string& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

Command shell(const std::string& script) {
  return {.words = {"/bin/sh", "-c", script}, .environment = {}, .input = {}};
}

}  // namespace

TEST_CASE("signatures are those of RFC 4231") {
  CHECK(hmac_sha256(std::string(20, '\x0b'), "Hi There") ==
        "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
  CHECK(hmac_sha256("Jefe", "what do ya want for nothing?") ==
        "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
}

TEST_CASE("secrets come from a file or the environment, never empty") {
  TempDir dir;
  const auto environment = [](std::string_view name) -> std::optional<std::string> {
    return name == "SECRET" ? std::optional<std::string>("s3cret\n") : std::nullopt;
  };
  config::WebhookSettings settings;
  CHECK(read_secret(settings, environment).value_or("-").empty());
  settings.secret_env = "SECRET";
  CHECK(read_secret(settings, environment).value_or("-") == "s3cret");
  settings.secret_env = "OTHER";
  CHECK(read_secret(settings, environment).error().message ==
        "events.webhook.secret-env: environment variable OTHER is not set");
  settings = {};
  settings.secret_file = dir.path("key");
  CHECK(read_secret(settings, environment).error().code == Errc::not_found);
  std::ofstream(settings.secret_file) << "\n";
  CHECK(read_secret(settings, environment).error().code == Errc::invalid_argument);
  std::ofstream(settings.secret_file) << "from file\r\n";
  CHECK(read_secret(settings, environment).value_or("-") == "from file");
}

TEST_CASE("what a hook is told is what a stream says, and the run") {
  Event event = made(EventKind::compacted);
  event.seq = 7;
  event.txid = {42};
  event.level = 1;
  CHECK(
      event_payload("r1", event) ==
      R"({"seq":7,"time":"1970-01-01T00:00:00Z","kind":"compacted","path":"/data/a.db","txid":42,"level":1,"run":"r1"})");
}

TEST_CASE("a command has its input and environment, and its status is told") {
  TempDir dir;
  Command command = shell("cat > \"$OUT\"; printf '%s' \"$GREETING\" >> \"$OUT\"; exit 3");
  command.environment = {{"OUT", dir.path("out")}, {"GREETING", "hello"}};
  command.input = "{}\n";
  CHECK(run_command(command, {}).value_or(-1) == 3);
  CHECK(contents(dir.path("out")) == "{}\nhello");
  CHECK(run_command(shell("kill -TERM $$"), {}).value_or(-1) == 128 + 15);
  const auto missing = run_command({.words = {"/no/such/program"}, .environment = {}, .input = {}}, {});
  REQUIRE_FALSE(missing);
  CHECK(missing.error().code == Errc::not_found);
  // One that does not read.
  command = shell("exec <&-; exit 0");
  command.input = std::string(200'000, 'x');
  std::signal(SIGPIPE, SIG_IGN);
  CHECK(run_command(command, {}).value_or(-1) == 0);
}

TEST_CASE("a command that takes too long is killed with its children") {
  TempDir dir;
  Command command = shell("sleep 60 & echo $! > \"$OUT\"; wait");
  command.environment = {{"OUT", dir.path("pid")}};
  command.timeout = 300ms;
  const auto begun = std::chrono::steady_clock::now();
  const auto late = run_command(command, {});
  REQUIRE_FALSE(late);
  CHECK(late.error().code == Errc::timed_out);
  CHECK(std::chrono::steady_clock::now() - begun < 30s);
  const pid_t child = std::atoi(contents(dir.path("pid")).c_str());
  REQUIRE(child > 0);
  // Gone, or a zombie that its new parent has not noticed yet.
  const auto has_ended = [&] {
    const std::string state = contents("/proc/" + std::to_string(child) + "/stat");
    return state.empty() || state.find(") Z ") != state.npos || state.find(") X ") != state.npos;
  };
  while (!has_ended() && std::chrono::steady_clock::now() - begun < 30s) std::this_thread::yield();
  CHECK(has_ended());

  std::stop_source stop;
  stop.request_stop();
  command.timeout = 60s;
  CHECK(run_command(command, stop.get_token()).error().code == Errc::cancelled);
}

TEST_CASE("a runner delivers what matches, in order, and what is there at the end") {
  EventBus bus;
  Lines log;
  std::vector<std::uint64_t> seen;
  {
    HookRunner runner(
        "test", bus, {.kinds = {EventKind::synced}}, bus.next(), 1,
        [&](const Event& event, const std::stop_token&) { seen.push_back(event.seq); }, log);
    for (int n = 0; n < 100; ++n) bus.publish(made(n % 2 == 0 ? EventKind::synced : EventKind::error));
    runner.finish(20s);
    bus.publish(made(EventKind::synced));
  }
  REQUIRE(seen.size() == 50);
  for (std::size_t n = 0; n < seen.size(); ++n) CHECK(seen[n] == 2 * n + 1);
}

TEST_CASE("a slow hook holds nobody up: the oldest events are dropped, and the log says so") {
  EventBus bus(10);
  Lines log;
  std::atomic<bool> entered = false, open = false;
  std::vector<std::uint64_t> seen;
  HookRunner runner(
      "slow", bus, {}, 1, 1,
      [&](const Event& event, const std::stop_token&) {
        entered = true;
        while (!open) std::this_thread::yield();
        seen.push_back(event.seq);
      },
      log);
  bus.publish(made(EventKind::added));
  while (!entered) std::this_thread::yield();
  for (int n = 0; n < 100; ++n) bus.publish(made(EventKind::synced));
  open = true;
  runner.finish(20s);
  CHECK(seen.size() == 11);
  CHECK(seen.back() == 101);
  CHECK(log.has("a hook is too slow, events were dropped hook=slow from=2 to=91"));
}

TEST_CASE("a runner that is out of patience ends, and says what was left") {
  EventBus bus;
  Lines log;
  std::atomic<int> calls = 0;
  HookRunner runner(
      "stuck", bus, {}, 1, 2,
      [&](const Event&, const std::stop_token& stop) {
        ++calls;
        while (!stop.stop_requested()) std::this_thread::yield();
      },
      log);
  for (int n = 0; n < 5; ++n) bus.publish(made(EventKind::synced));
  while (calls < 2) std::this_thread::yield();  // two at a time, no more
  runner.finish(0ms);
  CHECK(calls == 2);
  CHECK(log.has("events were not delivered before the end hook=stuck from=3"));
}
