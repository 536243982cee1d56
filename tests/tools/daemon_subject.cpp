#include <chrono>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <functional>
#include <thread>

#include "process.hpp"
#include "subject.hpp"

namespace tools {
namespace {

using namespace std::chrono_literals;

std::string yaml(const SubjectSettings& s) {
  const auto ms = [](int n) { return std::to_string(n) + "ms\n"; };
  std::string levels;
  for (int level : s.levels_ms) levels += "  - interval: " + ms(level);
  return "socket:\n  enabled: true\n  path: " + s.directory + "/control.sock\n" + "levels:\n" + levels +
         "snapshot:\n  interval: " + ms(s.snapshot_ms) + "  retention: " + ms(s.snapshot_retention_ms) +
         "l0-retention: " + ms(s.l0_retention_ms) + "l0-retention-check-interval: " + ms(s.l0_retention_check_ms) +
         "dbs:\n  - path: " + s.database() + "\n" + "    monitor-interval: " + ms(s.monitor_ms) +
         "    checkpoint-interval: " + ms(s.checkpoint_ms) +
         "    min-checkpoint-page-count: " + std::to_string(s.min_checkpoint_pages) + "\n" +
         "    truncate-page-n: " + std::to_string(s.truncate_pages) + "\n" +
         "    max-sync-wal-bytes: " + std::to_string(s.max_sync_wal_bytes) + "\n" +
         "    replica:\n      type: file\n      path: " + s.replica() + "\n      sync-interval: " + ms(s.sync_ms);
}

class DaemonSubject final : public Subject {
 public:
  DaemonSubject(const SubjectSettings& settings, const DaemonCommands& commands) : s_(settings), commands_(commands) {
    std::ofstream(s_.directory + "/daemon.yml") << yaml(s_);
    options_.output = s_.directory + "/daemon.log";
    options_.unset = {"AWS_CA_BUNDLE"};
  }

  std::string start() override {
    auto command = commands_.replicate;
    command.insert(command.end(), {"-config", s_.directory + "/daemon.yml"});
    daemon_ = Process::start(command, options_);
    return sync();  // also says that it is up and has the database open
  }

  std::string stop() override {
    daemon_.signal(SIGTERM);
    const auto status = daemon_.wait(40s);
    if (!status) return "daemon does not stop";
    return *status == 0 ? "" : "daemon ended with " + std::to_string(*status);
  }

  std::string crash() override {
    daemon_.signal(SIGKILL);
    return daemon_.wait(10s) ? "" : "daemon does not die";
  }

  std::string sync() override {
    auto command = commands_.control;
    command.insert(command.end(), {"sync", "-wait", "-socket", s_.directory + "/control.sock", s_.database()});
    return again(command, 15s);
  }

  std::string snapshot() override { return ""; }  // no such verb; the snapshot interval does it

  std::string restore(const std::string& output, std::uint64_t txid) override {
    auto command = commands_.restore;
    command.insert(command.end(), {"-o", output});
    char text[17];
    std::snprintf(text, sizeof text, "%016llx", static_cast<unsigned long long>(txid));
    if (txid != 0) command.insert(command.end(), {"-txid", text});
    command.push_back("file://" + s_.replica());
    return again(command, txid == 0 ? 5s : 0s);
  }

  bool writes_own_tables() const override { return commands_.own_tables; }

 private:
  // A daemon that has just started refuses for a moment, and a restore may lose a race with retention.
  std::string again(const std::vector<std::string>& command, std::chrono::seconds patience) {
    const auto end = std::chrono::steady_clock::now() + patience;
    for (;;) {
      const int status = run_process(command, options_, 60s);
      if (status == 0) return "";
      if (std::chrono::steady_clock::now() >= end)
        return command[0] + " " + command[1] + " ended with " + std::to_string(status);
      std::this_thread::sleep_for(20ms);
    }
  }

  SubjectSettings s_;
  DaemonCommands commands_;
  ProcessOptions options_;
  Process daemon_;
};

}  // namespace

std::unique_ptr<Subject> make_daemon_subject(const SubjectSettings& settings, const DaemonCommands& commands) {
  return std::make_unique<DaemonSubject>(settings, commands);
}

DaemonCommands peer_commands(const std::string& binary) {
  return {{binary, "replicate"}, {binary}, {binary, "restore"}, true};
}

DaemonCommands our_commands(const std::string& directory) {
  const std::string control = directory + "/litestreamctl";
  return {{directory + "/litestreamd"}, {control}, {control, "restore"}, false};
}

}  // namespace tools
