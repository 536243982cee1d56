// What the mark of a database at rest says, and when it says nothing.
#include "rest_fixture.hpp"

using namespace rest_fixture;

TEST_CASE("a mark of an older release proves what it did, and no more") {
  Scene s;
  s.fall_asleep();
  s.database.reset();
  fs::resize_file(s.f.meta + "/wal-mark", engine::kWalMarkSize);
  CHECK_FALSE(s.stays_after_restart());
  capture(*s.database);
  CHECK(s.database->status().reanchors == 0);
  s.check_in_step();
}

TEST_CASE("a mark that is not of now and of here is of no use") {
  Scene s;
  s.fall_asleep();
  engine::WalMark mark = s.mark();
  bool stays = false;
  SECTION("of another boot") { ++mark.boot; }
  SECTION("the clock has been set back since") { mark.rest->clock_lead += 1'000'000'000; }
  SECTION("the clock has been set forward since") {
    mark.rest->clock_lead -= 1'000'000'000;
    stays = true;
  }
  SECTION("another inode") { mark.untouched->inode = ++mark.inode; }
  SECTION("another number of replicas") { mark.rest->destinations.each.emplace_back(); }
  SECTION("another log") { mark.rest->wal.emplace(); }
  SECTION("of another database") {
    const std::string path = s.f.dir / "other.db", meta = s.f.dir / ".other.db-litestream";
    s.database.reset();
    s.app.close();
    fs::copy(s.f.meta, meta, fs::copy_options::recursive);
    fs::copy_file(s.f.path, path);
    Application other(path);
    other.update(2);
    other.close();
    s.config.path = path;
    s.config.backend_path = "other";
    CHECK_FALSE(s.stays_after_restart());
    return;
  }
  REQUIRE(engine::write_wal_mark(s.f.meta, mark, nullptr));
  CHECK(s.stays_after_restart() == stays);
  s.check_in_step();
}

TEST_CASE("each bit of what a mark says counts, and it belongs to one mark") {
  Scene s;
  s.fall_asleep();
  const ByteVector good = read_file(s.f.meta + "/wal-mark");
  const auto parsed = engine::parse_wal_mark(good);
  REQUIRE(parsed);
  REQUIRE(parsed->rest);
  CHECK(parsed->rest->destinations.each.size() == 1);
  for (std::size_t bit = engine::kWalMarkSize * 8; bit < good.size() * 8; ++bit) {
    ByteVector bad = good;
    bad[bit / 8] ^= static_cast<std::byte>(1U << bit % 8);
    const auto read = engine::parse_wal_mark(bad);
    if (!read || read->rest) FAIL("bit " << bit);
  }
  for (std::size_t size = engine::kWalMarkSize; size < good.size(); ++size)
    if (engine::parse_wal_mark(Bytes(good).first(size))->rest) FAIL("size " << size);
  engine::WalMark other = *parsed;
  other.rest.reset();
  SECTION("a later one takes it back") {}
  SECTION("a later one of the same length") { other.txid = other.txid.next(); }
  REQUIRE(engine::write_wal_mark(s.f.meta, other, nullptr));
  CHECK_FALSE(s.mark().rest);
}

TEST_CASE("of a name of a place the password does not matter") {
  const auto identity = [](std::string url, std::string server) {
    return engine::identity_of({{.backend = make_memory_backend(), .url = std::move(url), .server = std::move(server)}},
                               {});
  };
  const auto known = identity("webdav://me:secret@host/a", "webdav://host https://me:secret@host");
  CHECK(known == identity("webdav://me:other@host/a", "webdav://host https://me:other@host"));
  CHECK(known == identity("webdav://me@host/a", "webdav://host https://me@host"));
  CHECK(known != identity("webdav://you:secret@host/a", "webdav://host https://me:secret@host"));
  CHECK(known != identity("webdav://me:secret@host/b", "webdav://host https://me:secret@host"));
  CHECK(known != identity("webdav://me:secret@host/a", "webdav://host https://me:secret@other"));
  CHECK_FALSE(identity("", "x"));
}
