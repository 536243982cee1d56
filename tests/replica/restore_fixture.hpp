// A replica in memory, filled by hand or from a golden one, and a directory to restore into.
#pragma once

#include <sqlite3.h>

#include "ltx_files.hpp"
#include "replica/restore.hpp"
#include "support/contains.hpp"

namespace restore_fixture {

using namespace ltx_files;
using namespace replica;

inline LtxFileInfo add(Replica& replica, Level level, const LtxHeader& header, const ByteVector& bytes) {
  MemorySource body(bytes);
  auto written = replica.write(level, header.range, header.timestamp, body, {});
  REQUIRE(written);
  return *written;
}

struct Fixture {
  std::shared_ptr<Backend> backend = make_memory_backend();
  Replica replica{backend, ""};
  TempDir dir;
  std::string output = dir / "out.db";

  LtxFileInfo put(Level level, const LtxHeader& made, const Pages& pages) {
    return add(replica, level, made, encode(made, pages));
  }
  RestoreOptions options() const { return {.output = output, .parallelism = 3}; }
};

inline const std::vector<std::string>& golden_names() {
  static const std::vector<std::string> kNames = {"0.5.5-ps4096", "0.5.15-ps4096", "0.5.17-ps512", "0.5.17-ps4096",
                                                  "0.5.17-ps65536"};
  return kNames;
}

inline fs::path golden(const std::string& name) { return fs::path(GOLDEN_DIR) / name; }

// Objects get the time `listed`, whatever their headers say.
inline void load_golden(Backend& backend, const std::string& name, Timestamp listed = {}) {
  const fs::path root = golden(name) / "replica";
  for (const auto& entry : fs::recursive_directory_iterator(root)) {
    if (!entry.is_regular_file()) continue;
    const auto bytes = read_file(entry.path());
    MemorySource body(bytes);
    auto put = backend.put(fs::relative(entry.path(), root).string(), body, {.modified_at = listed}, {});
    REQUIRE(put);
  }
}

// As an application would open it.
inline std::string sqlite_opinion(const std::string& path) {
  sqlite3* db = nullptr;
  sqlite3_stmt* statement = nullptr;
  std::string opinion = "cannot open";
  if (sqlite3_open_v2(path.c_str(), &db, SQLITE_OPEN_READWRITE, nullptr) == SQLITE_OK) {
    if (sqlite3_prepare_v2(db, "PRAGMA integrity_check", -1, &statement, nullptr) == SQLITE_OK &&
        sqlite3_step(statement) == SQLITE_ROW) {
      opinion = reinterpret_cast<const char*>(sqlite3_column_text(statement, 0));
    } else {
      opinion = sqlite3_errmsg(db);
    }
  }
  sqlite3_finalize(statement);
  sqlite3_close(db);
  return opinion;
}

template <class T>
std::string error_of(const Result<T>& result) {
  return result ? "no error" : std::string(name(result.error().code)) + ": " + result.error().message;
}

using support::contains;

}  // namespace restore_fixture
