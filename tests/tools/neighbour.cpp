#include "neighbour.hpp"

#include <chrono>
#include <filesystem>
#include <utility>

#include "replica/restore.hpp"
#include "sqlite.hpp"

namespace tools {

using namespace std::chrono_literals;

Neighbour::Neighbour(std::string directory)
    : directory_(std::move(directory)), backend_(replica::make_file_backend({directory_ + "/neighbour-replica"})) {
  Connection db;
  if (db.open(path(), 1'000, true) != SQLITE_OK || db.run("PRAGMA journal_mode = WAL") != SQLITE_OK ||
      db.run("CREATE TABLE t(n INTEGER PRIMARY KEY, v BLOB)") != SQLITE_OK)
    wrong_ = "cannot create: " + db.message();
  writer_ = std::thread([this] { write(); });
}

Neighbour::~Neighbour() {
  {
    const std::lock_guard guard(lock_);
    ending_ = true;
  }
  wake_.notify_all();
  writer_.join();
}

replica::DatabaseConfig Neighbour::config() const {
  replica::DatabaseConfig c;
  c.path = path();
  c.monitor_interval = 20ms;
  c.checkpoint_interval = 100ms;
  c.sync_interval = 10ms;
  c.backend = backend_;
  c.replica_url = "file://" + directory_ + "/neighbour-replica";
  return c;
}

void Neighbour::write() {
  Connection db;
  if (db.open(path(), 10'000) != SQLITE_OK) return;
  const std::string value(300, 'v');
  std::unique_lock guard(lock_);
  while (!wake_.wait_for(guard, 3ms, [this] { return ending_; })) {
    guard.unlock();
    const int code = db.run("INSERT INTO t VALUES (?, ?)", {committed_ + 1, std::string_view(value)});
    guard.lock();
    if (code == SQLITE_OK || code == SQLITE_DONE) {
      ++committed_;
    } else if (wrong_.empty()) {
      wrong_ = "a write failed: " + db.message();
    }
  }
}

std::string Neighbour::check(std::int64_t promised, const replica::Call& call) {
  {
    const std::lock_guard guard(lock_);
    if (!wrong_.empty()) return wrong_;
  }
  replica::RestoreOptions options;
  options.output = directory_ + "/neighbour.restored.db";
  // It plans anew when retention removes a file between listing and reading.
  if (auto done = replica::restore_database(replica::Replica(backend_, ""), {}, options, call); !done)
    return "restore: " + done.error().message;
  std::string wrong = look_at(options.output, promised);
  if (wrong.empty()) std::filesystem::remove(options.output);
  return wrong;
}

std::string Neighbour::look_at(const std::string& restored, std::int64_t promised) const {
  Connection db;
  if (db.open(restored, 1'000) != SQLITE_OK) return "cannot open what was restored";
  if (const auto sound = db.text("PRAGMA integrity_check(3)"); sound != "ok")
    return "integrity_check: " + sound.value_or(db.message());
  const auto rows = db.integer("SELECT count(*) FROM t"), last = db.integer("SELECT coalesce(max(n), 0) FROM t");
  if (!rows || !last) return "cannot read what was restored: " + db.message();
  if (*rows != *last) return "rows are missing before the last, " + std::to_string(*last);
  if (*last < promised) return "row " + std::to_string(promised) + " is missing, the last is " + std::to_string(*last);
  return "";
}

}  // namespace tools
