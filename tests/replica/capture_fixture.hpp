// A database, the application that writes it and runs of the capture lane beside it.
#pragma once

#include <sqlite3.h>

#include "engine/capture.hpp"
#include "ltx_files.hpp"
#include "support/unsummed.hpp"

namespace capture_fixture {

using namespace replica;
using namespace ltx_files;
using engine::Capture;

class Application {
 public:
  explicit Application(const std::string& path) {
    REQUIRE(sqlite3_open(path.c_str(), &db_) == SQLITE_OK);
    run("PRAGMA journal_mode=wal; PRAGMA wal_autocheckpoint=0; PRAGMA synchronous=OFF");
  }
  ~Application() { close(); }
  Application(const Application&) = delete;
  Application& operator=(const Application&) = delete;

  void run(const std::string& sql) {
    char* message = nullptr;
    const int code = sqlite3_exec(db_, sql.c_str(), nullptr, nullptr, &message);
    INFO(sql << ": " << (message == nullptr ? "" : message));
    REQUIRE(code == SQLITE_OK);
  }
  // Frames in the log, and how many of them are backfilled; all of them would be, if nobody pinned them.
  struct Frames {
    int log = 0, backfilled = 0;
  };
  Frames checkpoint() {
    Frames frames;
    REQUIRE(sqlite3_wal_checkpoint_v2(db_, nullptr, SQLITE_CHECKPOINT_PASSIVE, &frames.log, &frames.backfilled) ==
            SQLITE_OK);
    return frames;
  }
  // As a crash would: no checkpoint, the log stays.
  void crash() {
    REQUIRE(sqlite3_db_config(db_, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr) == SQLITE_OK);
    close();
  }
  void close() { sqlite3_close(std::exchange(db_, nullptr)); }

 private:
  sqlite3* db_ = nullptr;
};

// The clock of the machine, and what a test lets pass besides.
class PassingClock final : public Clock {
 public:
  Timestamp now() const override { return SystemClock().now() + passed_; }
  Steady steady() const override { return SystemClock().steady() + passed_; }
  void pass(std::chrono::milliseconds time) { passed_ += time; }

 private:
  std::chrono::milliseconds passed_{0};
};

// A database with its store. Each Daemon is one run of the capture lane.
struct Fixture {
  TempDir dir;
  std::string path = dir / "app.db", meta = dir / ".app.db-litestream";
  PassingClock clock;
  io::SmallMutex lock;

  struct Daemon {
    store::LocalStore store;
    Capture capture;
    Daemon(Fixture& f, io::Gate* gate)
        : store(open(f)),
          capture({.path = f.path, .meta_path = f.meta}, store, f.lock, {&f.clock, &null_logger(), gate}) {}
    static store::LocalStore open(Fixture& f) {
      auto opened = store::LocalStore::open(f.meta, f.path);
      REQUIRE(opened);
      return std::move(*opened);
    }
  };
  std::unique_ptr<Daemon> daemon(io::Gate* gate = nullptr) {
    fs::create_directories(meta);
    auto made = std::make_unique<Daemon>(*this, gate);
    auto attached = made->capture.attach();
    INFO((attached ? "" : attached.error().message));
    REQUIRE(attached);
    return made;
  }

  // The pages of all level-0 files in order must be what SQLite reads.
  void check_equal() const {
    std::map<PageNo, ByteVector> pages;
    std::uint32_t commit = 0, page_size = 0;
    for (const std::string& name : names_in(meta + "/ltx/0")) {
      const ByteVector bytes = read_file(meta + "/ltx/0/" + name);
      MemorySource body(bytes);
      auto decoder = LtxDecoder::begin(body);
      REQUIRE(decoder);
      for (;;) {
        auto page = decoder->next();
        REQUIRE(page);
        if (!*page) break;
        pages[(*page)->page] = ByteVector((*page)->image.begin(), (*page)->image.end());
      }
      commit = decoder->header().commit;
      page_size = decoder->header().page_size;
    }
    ByteVector image;
    for (PageNo page = 1; page <= commit; ++page) {
      const ByteVector& bytes = pages[page];
      image.insert(image.end(), bytes.begin(), bytes.end());
      image.resize(static_cast<std::size_t>(page) * page_size);
    }
    const ByteVector expected = serialized();
    CHECK(image.size() == expected.size());
    std::string different;  // byte by byte would be unreadable
    for (std::size_t at = 0; at < std::min(image.size(), expected.size()); at += page_size) {
      if (!std::equal(&image[at], &image[at] + page_size, &expected[at])) {
        different += " " + std::to_string(at / page_size + 1);
      }
    }
    INFO("pages that differ:" << different);
    CHECK(different.empty());
  }

 private:
  ByteVector serialized() const {
    sqlite3* db = nullptr;
    REQUIRE(sqlite3_open(path.c_str(), &db) == SQLITE_OK);
    sqlite3_db_config(db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
    sqlite3_int64 size = 0;
    unsigned char* data = sqlite3_serialize(db, "main", &size, 0);
    REQUIRE(data != nullptr);
    const auto* bytes = reinterpret_cast<const std::byte*>(data);
    ByteVector image(bytes, bytes + size);
    sqlite3_free(data);
    sqlite3_close(db);
    return image;
  }
};

inline void capture(Capture& from) {
  auto captured = from.capture();
  INFO((captured ? "" : captured.error().message));
  REQUIRE(captured);
}

inline const std::string kFill =
    "WITH RECURSIVE n(i) AS (VALUES(1) UNION ALL SELECT i+1 FROM n WHERE i<60) "
    "INSERT INTO t(v) SELECT randomblob(900) FROM n";

}  // namespace capture_fixture
