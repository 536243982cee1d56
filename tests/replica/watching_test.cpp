// More directories than the system lets us watch.
#include <atomic>
#include <filesystem>
#include <mutex>
#include <thread>

#include "io/directory_watch.hpp"
#include "replica/replicator.hpp"
#include "support/catch.hpp"
#include "support/committer.hpp"
#include "support/temp_dir.hpp"
#include "support/until.hpp"

using namespace replica;
using namespace std::chrono_literals;
using support::Committer;
using support::until;

namespace {

class Warnings final : public Logger {
 public:
  bool enabled(LogLevel) const noexcept override { return true; }
  void write(LogLevel level, std::string_view message, std::span<const LogField> fields) override {
    if (level != LogLevel::warn || !message.starts_with("too many directories")) return;
    const std::lock_guard guard(lock_);
    ++count_;
    for (const LogField& field : fields) text_ += field.value + "\n";
  }
  int count() const {
    const std::lock_guard guard(lock_);
    return count_;
  }
  std::string text() const {
    const std::lock_guard guard(lock_);
    return text_;
  }

 private:
  mutable std::mutex lock_;
  int count_ = 0;
  std::string text_;
};

}  // namespace

TEST_CASE("databases whose directories may not be watched are polled, told once, and hibernate") {
  support::TempDir dir;
  Warnings warnings;
  ReplicatorOptions options;
  options.max_watches = 1;
  options.logger = &warnings;
  options.levels = {50ms};
  Replicator replicator(std::move(options));
  std::vector<std::string> paths;
  std::vector<std::unique_ptr<Committer>> apps;
  for (const char* name : {"a", "b", "c"}) {
    std::filesystem::create_directory(dir.path(name));
    paths.push_back(dir.path(std::string(name) + "/x.db"));
    apps.push_back(std::make_unique<Committer>(paths.back()));
    DatabaseConfig config;
    config.path = paths.back();
    config.backend = make_memory_backend();
    config.sync_interval = config.monitor_interval = 20ms;
    config.checkpoint_interval = 50ms;
    config.hibernate_after = 100ms;
    REQUIRE(replicator.add(config));
    REQUIRE(replicator.start(paths.back(), true));
  }
  for (int round = 0; round < 2; ++round) {
    for (std::size_t n = 0; n < paths.size(); ++n) {
      until([&] { return replicator.status(paths[n])->hibernating; });
      const TxId before = replicator.status(paths[n])->replicated_txid;
      apps[n]->commit();
      until([&] { return replicator.status(paths[n])->replicated_txid > before; });
    }
  }
  CHECK(warnings.count() == 1);
  CHECK(warnings.text().find("fs.inotify.max_user_watches") != std::string::npos);
  // The watch that becomes free is taken by one of the others.
  REQUIRE(replicator.remove(paths[0]));
  REQUIRE(replicator.remove(paths[1]));
  until([&] { return replicator.status(paths[2])->hibernating; });
  apps[2]->commit();
}

TEST_CASE("a directory is watched no more than the limit allows, and again when there is room") {
  support::TempDir dir;
  auto watch = io::DirectoryWatch::open(1);
  REQUIRE(watch);
  std::filesystem::create_directory(dir.path("a"));
  std::filesystem::create_directory(dir.path("b"));
  REQUIRE((*watch)->add(dir.path("a")));
  REQUIRE((*watch)->add(dir.path("a")));  // counted, no further watch
  auto refused = (*watch)->add(dir.path("b"));
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == Errc::no_space);
  (*watch)->remove(dir.path("a"));
  CHECK_FALSE((*watch)->add(dir.path("b")));
  (*watch)->remove(dir.path("a"));
  CHECK((*watch)->add(dir.path("b")));
}

TEST_CASE("a path with two slashes is heard of too") {
  support::TempDir dir;
  const std::string path = dir.path("x.db");
  Committer app(path);
  Replicator replicator;
  DatabaseConfig config;
  config.path = dir.path("") + "//x.db";
  config.backend = make_memory_backend();
  config.monitor_interval = 1h;
  config.sync_interval = 20ms;
  const std::string name = config.path;
  REQUIRE(replicator.add(config));
  REQUIRE(replicator.start(name, true));
  until([&] { return replicator.status(name)->replicated_txid == TxId{1}; });
  app.commit();
  until([&] { return replicator.status(name)->replicated_txid == TxId{2}; });
}
