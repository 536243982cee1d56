// The images that a capture takes from the log: the right ones, in few reads.
#include "engine/wal_file.hpp"

#include <atomic>

#include "capture_fixture.hpp"

using namespace capture_fixture;
using engine::WalFile;

namespace {

struct CountedReads final : io::Gate {
  std::optional<Error> before(std::string_view operation, std::string_view) override {
    reads += operation == "read" ? 1 : 0;
    return {};
  }
  std::atomic<int> reads = 0;
};

struct Log {
  TempDir dir;
  std::string path = dir / "a.db";
  Application app{path};
  CountedReads reads;

  explicit Log(int rows) {
    app.run("CREATE TABLE t(id INTEGER PRIMARY KEY, v BLOB)");
    app.run("WITH RECURSIVE n(i) AS (VALUES(1) UNION ALL SELECT i+1 FROM n WHERE i<" + std::to_string(rows) +
            ") INSERT INTO t(v) SELECT randomblob(3900) FROM n");
  }
  WalFile open() {
    auto wal = WalFile::open(path, &reads);
    REQUIRE(wal);
    return std::move(*wal);
  }
  static Changeset all(WalFile& wal) {
    auto changes = wal.read({wal.header().salts, wal.header().page_size, 0, wal.header().checksum}, frames(wal), 0);
    REQUIRE(changes);
    return std::move(*changes);
  }
  static std::uint64_t frames(const WalFile& wal) {
    std::uint64_t count = 1;
    while (!*wal.ends_before(count, wal.header().salts)) ++count;
    return count;
  }
};

}  // namespace

TEST_CASE("a view of each page that changed shows its image, whatever lies between them in the log") {
  const int rows = GENERATE(3, 60, 400);  // a log that is kept in memory, and two that are not
  Log log(rows);
  // Newer images of some: the pages ascend, their frames do not.
  log.app.run("UPDATE t SET v = randomblob(3900) WHERE id % 7 = 3");
  log.app.run("UPDATE t SET v = randomblob(3900) WHERE id % 21 = 3");
  WalFile wal = log.open();
  const Changeset changes = Log::all(wal);
  REQUIRE(changes.pages.size() > static_cast<std::size_t>(rows));
  std::vector<std::byte> image(wal.header().page_size);
  const WalFile apart = log.open();
  for (std::size_t i = 0; i < changes.pages.size(); ++i) {
    auto seen = wal.view(std::span(changes.pages).subspan(i));
    REQUIRE(seen);
    REQUIRE(apart.image(changes.pages[i].frame, image));
    if (!std::equal(seen->begin(), seen->end(), image.begin(), image.end())) FAIL("page " << changes.pages[i].page);
  }
}

TEST_CASE("images that follow each other in the log are read together") {
  Log log(1000);
  WalFile wal = log.open();
  const Changeset changes = Log::all(wal);
  const int before = log.reads.reads;
  for (std::size_t i = 0; i < changes.pages.size(); ++i) REQUIRE(wal.view(std::span(changes.pages).subspan(i)));
  CHECK(log.reads.reads - before < 40);
}

TEST_CASE("a view of what the log does not hold is an error, and the next one is right") {
  Log log(100);
  WalFile wal = log.open();
  const Changeset changes = Log::all(wal);
  const std::vector<Changeset::Page> beyond{{1, changes.end_frame + 10}};
  CHECK_FALSE(wal.view(beyond));
  std::vector<std::byte> image(wal.header().page_size);
  REQUIRE(wal.image(changes.pages[5].frame, image));
  auto seen = wal.view(std::span(changes.pages).subspan(5));
  REQUIRE(seen);
  CHECK(std::equal(seen->begin(), seen->end(), image.begin(), image.end()));
}
