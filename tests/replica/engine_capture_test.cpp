// What a level-0 file holds: committed frames only, and the header fields by which the other daemon continues.
#include "engine_fixture.hpp"

using namespace engine_fixture;

namespace {

WalHeader wal_header(const std::string& path) {
  auto header = parse_wal_header(read_file(path + "-wal"));
  REQUIRE(header);
  return *header;
}

LtxHeader local_header(const Fixture& f, TxId txid) {
  auto header = parse_ltx_header(Bytes(read_file(f.meta + "/ltx/0/" + ltx_file_name({txid, txid}))).first(100));
  REQUIRE(header);
  return *header;
}

}  // namespace

TEST_CASE("frames of an open transaction that have reached the log are not captured") {
  const bool commits = GENERATE(false, true);
  CAPTURE(commits);
  Fixture f;
  Application app(f.path);
  app.fill(60);
  auto daemon = f.daemon();
  sync(*daemon);
  app.update(1);
  sync(*daemon);
  const TxId before = daemon->captured();
  const auto length = fs::file_size(f.path + "-wal");
  app.run("PRAGMA cache_size=3; PRAGMA cache_spill=1; BEGIN; UPDATE t SET v = randomblob(1400)");
  REQUIRE(fs::file_size(f.path + "-wal") > length + 4096);  // spilled, beyond mxFrame
  sync(*daemon);
  CHECK(daemon->captured() == before);
  f.check_equal();
  // Attaching in the middle of it, with everything to be read.
  daemon.reset();
  fs::remove_all(f.meta);
  daemon = f.daemon();
  sync(*daemon);
  f.check_equal();
  app.run(commits ? "COMMIT" : "ROLLBACK");
  app.update(2);
  sync(*daemon);
  f.check_equal();
  f.check_history();
}

TEST_CASE("the header says which part of which log a file holds, one file behind the other") {
  Fixture f;
  Application app(f.path);
  app.fill(20);
  auto daemon = f.daemon();
  sync(*daemon);
  const LtxHeader base = local_header(f, daemon->captured());
  const auto log = wal_header(f.path);
  CHECK(base.wal_offset == static_cast<std::int64_t>(kWalHeaderSize));
  CHECK(base.salts == log.salts);
  auto end = base.wal_offset + base.wal_size;
  CHECK(end == static_cast<std::int64_t>(fs::file_size(f.path + "-wal")));
  for (int n = 1; n < 4; ++n) {
    f.clock.pass(std::chrono::seconds(1));
    app.update(n);
    sync(*daemon);
    const LtxHeader header = local_header(f, daemon->captured());
    CHECK(header.wal_offset == end);
    end = header.wal_offset + header.wal_size;
    CHECK(end == static_cast<std::int64_t>(fs::file_size(f.path + "-wal")));
    CHECK(header.salts == log.salts);
    CHECK(header.timestamp == f.clock.now());
    CHECK((header.flags == kLtxNoChecksum && header.pre_apply_checksum == 0 && header.node_id == 0));
  }
}

TEST_CASE("the first file after a restart of the log begins at its beginning") {
  Fixture f;
  Application app(f.path);
  app.fill(20);
  DatabaseConfig config = f.config();
  config.min_checkpoint_page_count = 1;  // an easy checkpoint after every capture
  engine::Database daemon(config, f.options, {&f.clock, &null_logger(), nullptr});
  sync(daemon);
  const Salts first = wal_header(f.path).salts;
  app.update(1);  // restarts the log, for everything is backfilled
  sync(daemon);
  const auto log = wal_header(f.path);
  REQUIRE_FALSE(log.salts == first);
  const LtxHeader header = local_header(f, daemon.captured());
  CHECK(header.wal_offset == static_cast<std::int64_t>(kWalHeaderSize));
  CHECK(header.salts == log.salts);
  CHECK(daemon.status().reanchors == 1);  // the first; the restart was proved, not guessed
  f.check_equal();
}
