// The directory watch of the Replicator: there for a database that is quiet, and away while it is busy.
#include <filesystem>
#include <fstream>
#include <thread>

#include "replica/replicator.hpp"
#include "support/catch.hpp"
#include "support/committer.hpp"
#include "support/temp_dir.hpp"

using namespace replica;
using namespace std::chrono_literals;
using support::Committer;

namespace {

// What this process watches, of all its inotify instances.
int watches() {
  int found = 0;
  for (const auto& file : std::filesystem::directory_iterator("/proc/self/fdinfo")) {
    std::ifstream info(file.path());
    for (std::string line; std::getline(info, line);) found += line.starts_with("inotify wd:") ? 1 : 0;
  }
  return found;
}

template <class Condition>
void until(const Condition& holds, const std::function<void()>& meanwhile = [] { std::this_thread::yield(); }) {
  const auto end = std::chrono::steady_clock::now() + 60s;
  while (!holds()) {
    REQUIRE(std::chrono::steady_clock::now() < end);
    meanwhile();
  }
}

DatabaseConfig config_of(const std::string& path) {
  DatabaseConfig config;
  config.path = path;
  config.backend = make_memory_backend();
  config.sync_interval = 50ms;
  config.monitor_interval = 1h;  // the poll finds nothing in time
  return config;
}

}  // namespace

TEST_CASE("a busy database is not watched, and is again once it is quiet") {
  support::TempDir dir;
  const std::string path = dir.path("app.db");
  Committer app(path);
  Replicator replicator;
  REQUIRE(replicator.add(config_of(path)));
  REQUIRE(replicator.start(path, true));
  const auto replicated = [&] { return replicator.status(path)->replicated_txid.value; };
  for (int round = 0; round < 3; ++round) {
    until([] { return watches() == 1; });
    const auto before = replicated();
    app.commit();
    until([&] { return replicated() > before; });
    until([] { return watches() == 0; }, [&] { app.commit(); });
    // The last commit of a busy time, and a quiet one after it, are seen though nothing polls.
    app.commit();
    until([&] { return replicator.status(path)->lag_bytes == 0 && watches() == 1; });
  }
}

TEST_CASE("a busy database leaves its quiet neighbour the watch") {
  support::TempDir dir;
  Committer busy(dir.path("busy.db")), quiet(dir.path("quiet.db"));
  Replicator replicator;
  for (const char* name : {"busy.db", "quiet.db"}) {
    REQUIRE(replicator.add(config_of(dir.path(name))));
    REQUIRE(replicator.start(dir.path(name), true));
  }
  const auto replicated = [&](const char* name) { return replicator.status(dir.path(name))->replicated_txid.value; };
  const auto first = replicated("busy.db");
  until([&] { return replicated("busy.db") > first + 5; }, [&] { busy.commit(); });
  CHECK(watches() == 1);
  const auto before = replicated("quiet.db");
  quiet.commit();
  until([&] { return replicated("quiet.db") > before; }, [&] { busy.commit(); });
  // Closed while busy, and opened again.
  REQUIRE(replicator.stop(dir.path("busy.db"), {}));
  REQUIRE(replicator.stop(dir.path("quiet.db"), {}));
  CHECK(watches() == 0);
  REQUIRE(replicator.start(dir.path("busy.db"), true));
  CHECK(watches() == 1);
}
