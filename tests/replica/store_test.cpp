#include "store/local_store.hpp"

#include <sys/stat.h>

#include <array>

#include "ltx_files.hpp"
#include "support/fail_nth.hpp"

using namespace replica;
using namespace ltx_files;
using store::LocalStore;

namespace {

struct Fixture {
  TempDir directory;
  std::string database = directory / "app.db";
  std::string meta = directory / ".app.db-litestream";

  Fixture() { write_text(database, "database"); }
  LocalStore open(io::Gate* gate = nullptr) const {
    auto opened = LocalStore::open(meta, database, gate);
    REQUIRE(opened);
    return std::move(*opened);
  }
  std::string level(const std::string& name = {}) const { return meta + "/ltx/0" + (name.empty() ? "" : "/" + name); }
};

struct Syncs final : io::Gate {
  int files = 0, directories = 0;
  bool fail_file = false;  // the next one
  std::optional<Error> before(std::string_view operation, std::string_view) override {
    files += operation == "sync" ? 1 : 0;
    directories += operation == "sync_dir" ? 1 : 0;
    if (operation != "sync" || !std::exchange(fail_file, false)) return {};
    return Error{.code = Errc::io, .message = "injected"};
  }
};

void put(LocalStore& store, std::uint64_t txid, std::int64_t milliseconds = 1'700'000'000'000) {
  const LtxHeader made = header(txid, txid, 2, 512, milliseconds);
  auto file = store.create(made);
  REQUIRE(file);
  encode(file->out(), made, {{1, image(512, 1)}, {2, image(512, static_cast<std::uint32_t>(txid))}});
  auto committed = file->commit();
  REQUIRE(committed);
}

std::string golden_level0(const std::string& version) {
  return std::string(GOLDEN_DIR) + "/" + version + "/replica/ltx/0";
}

}  // namespace

TEST_CASE("the meta directory lies beside the database") {
  CHECK(store::default_meta_path("/x/a.db") == "/x/.a.db-litestream");
  CHECK(store::default_meta_path("a.db") == ".a.db-litestream");
  CHECK(store::default_meta_path("/a") == "/.a-litestream");
}

TEST_CASE("open makes the directories as the database's own and clears temporary files") {
  Fixture f;
  REQUIRE(::chmod(f.directory.path().c_str(), 0750) == 0);
  for (const std::string name :
       {"x.tmp", "ltx/y.tmp", "ltx/0/0000000000000001-0000000000000001.ltx.tmp", "ltx/3/z.tmp"}) {
    write_text(f.meta + "/" + name, "torn");
  }
  write_text(f.meta + "/page-hashes", "ours");
  write_text(f.level("notes.txt"), "somebody's");
  fs::create_directories(f.level("0000000000000007-0000000000000007.ltx"));
  fs::remove_all(f.meta + "/ltx/1");

  const LocalStore store = f.open();
  CHECK(store.files().empty());
  CHECK(store.last() == TxId{});
  CHECK(names_in(f.meta) == std::vector<std::string>{"ltx", "page-hashes"});
  CHECK(names_in(f.meta + "/ltx/3").empty());
  CHECK(names_in(f.level()) == std::vector<std::string>{"0000000000000007-0000000000000007.ltx", "notes.txt"});

  Fixture fresh;
  REQUIRE(::chmod(fresh.directory.path().c_str(), 0750) == 0);
  fresh.open();
  for (const std::string& made : {fresh.meta, fresh.meta + "/ltx", fresh.level()}) {
    struct stat status{};
    REQUIRE(::stat(made.c_str(), &status) == 0);
    CHECK((status.st_mode & 07777U) == 0750U);
  }
}

TEST_CASE("a committed file is listed, durable under its name and carries the header's time") {
  Fixture f;
  REQUIRE(::chmod(f.database.c_str(), 0640) == 0);
  LocalStore store = f.open();
  put(store, 1, 1'600'000'000'123);
  put(store, 2, 1'600'000'001'456);
  REQUIRE(store.files().size() == 2);
  CHECK(store.files()[1].created_at == Timestamp(std::chrono::milliseconds(1'600'000'001'456)));
  CHECK(store.files()[1].size == fs::file_size(store.file_path({{2}, {2}})));
  CHECK(store.last() == TxId{2});

  struct stat status{};
  REQUIRE(::stat(store.file_path({{1}, {1}}).c_str(), &status) == 0);
  CHECK((status.st_mode & 07777U) == 0640U);
  CHECK(f.open().files() == store.files());

  auto read = store.header({{2}, {2}});
  REQUIRE(read);
  CHECK(read->commit == 2);
  auto source = store.open_file({{2}, {2}});
  REQUIRE(source);
  CHECK((*source)->size() == store.files()[1].size);
  auto missing = store.open_file({{3}, {3}});
  REQUIRE_FALSE(missing);
  CHECK(missing.error().code == Errc::not_found);
}

TEST_CASE("a file that is not committed leaves nothing") {
  Fixture f;
  LocalStore store = f.open();
  {
    auto file = store.create(header(1, 1, 1));
    REQUIRE(file);
    encode(file->out(), header(1, 1, 1), {{1, image(512, 1)}});
  }
  CHECK(store.files().empty());
  CHECK(names_in(f.level()).empty());
  CHECK(store.create(header(2, 1, 1)).error().code == Errc::corrupt);
}

TEST_CASE("a crash at any step of writing leaves a file whole or not at all") {
  for (std::uint64_t n = 1;; ++n) {
    INFO("crash at step " << n);
    Fixture f;
    LocalStore first = f.open();
    put(first, 1);
    support::FailNth gate(n, support::FailNth::Then::stay_broken);
    bool done = false;
    if (auto store = LocalStore::open(f.meta, f.database, &gate)) {
      const LtxHeader made = header(2, 2, 1);
      if (auto file = store->create(made)) {
        auto encoder = LtxEncoder::begin(file->out(), made);
        REQUIRE(encoder);
        const bool written = encoder->add(1, image(512, 2)) && encoder->finish();
        done = written && file->commit();
        CHECK(store->last() == TxId{done ? 2U : 1U});
      }
    }
    LocalStore after = f.open();
    CHECK(after.last() >= TxId{done ? 2U : 1U});
    auto verified = after.verify_newest();
    REQUIRE(verified);
    CHECK((*verified)->range.max == after.last());
    for (const auto& name : names_in(f.level())) CHECK(name.ends_with(".ltx"));
    if (!gate.fired()) {
      CHECK(done);
      break;
    }
  }
}

TEST_CASE("only the first file of a new meta directory waits for its name to be durable") {
  Fixture f;
  Syncs gate;
  const auto open = [&](LocalStore::Meta meta) {
    auto opened = LocalStore::open(f.meta, f.database, &gate, meta);
    REQUIRE(opened);
    gate.directories = gate.files = 0;
    return std::move(*opened);
  };
  const auto put_syncs = [&](LocalStore& store, std::uint64_t txid) {
    put(store, txid);
    CHECK(std::exchange(gate.files, 0) == 1);
    return std::exchange(gate.directories, 0);
  };
  const auto make_meta = [&] { fs::create_directories(f.meta); };
  SECTION("the first, the second and the third") {
    make_meta();
    LocalStore store = open(LocalStore::Meta::made);
    CHECK(put_syncs(store, 1) == 0);
    CHECK(put_syncs(store, 2) == 5);  // its own, and the four that were put off
    CHECK(put_syncs(store, 3) == 1);
  }
  SECTION("a meta directory that was there") {
    make_meta();
    LocalStore store = open(LocalStore::Meta::found);
    CHECK(put_syncs(store, 1) == 4);
    CHECK(put_syncs(store, 2) == 1);
  }
  SECTION("a first file that goes on behind a replica") {
    make_meta();
    LocalStore store = open(LocalStore::Meta::made);
    CHECK(put_syncs(store, 7) == 4);
  }
  SECTION("a first file in the place of one that was removed") {
    make_meta();
    LocalStore store = open(LocalStore::Meta::made);
    CHECK(put_syncs(store, 1) == 0);
    REQUIRE(store.clear());
    CHECK(put_syncs(store, 1) == 4);
  }
  SECTION("a first file that failed once") {
    make_meta();
    LocalStore store = open(LocalStore::Meta::made);
    gate.fail_file = true;
    const LtxHeader made = header(1, 1, 1);
    auto file = store.create(made);
    REQUIRE(file);
    encode(file->out(), made, {{1, image(512, 1)}});
    REQUIRE_FALSE(file->commit());
    gate.directories = gate.files = 0;
    CHECK(put_syncs(store, 1) == 4);
  }
  SECTION("found again with the first file, and with more") {
    make_meta();
    {
      LocalStore store = open(LocalStore::Meta::made);
      CHECK(put_syncs(store, 1) == 0);
    }
    {
      LocalStore store = open(LocalStore::Meta::found);
      CHECK(put_syncs(store, 2) == 5);
    }
    LocalStore store = open(LocalStore::Meta::found);
    CHECK(put_syncs(store, 3) == 1);
  }
}

TEST_CASE("the newest file of the peer's meta directory is the resume point") {
  const std::string version =
      GENERATE("0.5.5-ps4096", "0.5.15-ps4096", "0.5.17-ps512", "0.5.17-ps4096", "0.5.17-ps65536");
  Fixture f;
  fs::create_directories(f.meta + "/ltx");
  fs::copy(golden_level0(version), f.level());
  LocalStore store = f.open();
  CHECK(store.files().size() == names_in(golden_level0(version)).size());
  auto newest = store.verify_newest();
  REQUIRE(newest);
  REQUIRE(*newest);
  CHECK((*newest)->range.max == store.last());
  CHECK((*newest)->wal_offset >= 32);
  CHECK((*newest)->salts != Salts{});
}

TEST_CASE("a damaged newest file is set aside and the one before is looked at next") {
  const std::string damage = GENERATE("empty", "half", "flipped", "renamed");
  INFO(damage);
  Fixture f;
  LocalStore store = f.open();
  for (std::uint64_t txid = 1; txid <= 3; ++txid) put(store, txid);
  const std::string path = store.file_path({{3}, {3}});
  ByteVector bytes = read_file(path);
  if (damage == "empty") bytes.clear();
  if (damage == "half") bytes.resize(bytes.size() / 2);
  if (damage == "flipped") bytes[bytes.size() / 2] ^= std::byte{1};
  if (damage == "renamed") bytes = read_file(store.file_path({{2}, {2}}));
  write_file(path, bytes);

  auto verified = store.verify_newest();
  REQUIRE_FALSE(verified);
  CHECK(verified.error().code == Errc::corrupt);
  CHECK(verified.error().message.find(path) != std::string::npos);
  CHECK_FALSE(verified.error().hint.empty());
  CHECK(read_file(path + ".damaged") == bytes);
  CHECK_FALSE(fs::exists(path));
  CHECK(store.last() == TxId{2});
  auto before = store.verify_newest();
  REQUIRE(before);
  CHECK((*before)->range.max == TxId{2});
  CHECK(f.open().last() == TxId{2});
}

TEST_CASE("an empty store has no newest file") {
  Fixture f;
  LocalStore store = f.open();
  auto newest = store.verify_newest();
  REQUIRE(newest);
  CHECK_FALSE(*newest);
}

TEST_CASE("import verifies before anything appears") {
  Fixture f;
  LocalStore store = f.open();
  const ByteVector good = encode(header(9, 9, 4, 512, 1'650'000'000'000), {{3, image(512, 3)}});
  const auto refuse = [&](ByteVector bytes, TxRange range) {
    MemorySource body(bytes);
    auto imported = store.import(body, range);
    REQUIRE_FALSE(imported);
    CHECK(imported.error().code == Errc::corrupt);
    CHECK(names_in(f.level()).empty());
    CHECK(store.files().empty());
  };
  refuse(good, {{8}, {8}});
  refuse(ByteVector(good.begin(), good.end() - 1), {{9}, {9}});
  ByteVector longer = good;
  longer.push_back({});
  refuse(longer, {{9}, {9}});

  MemorySource body(good);
  auto imported = store.import(body, {{9}, {9}});
  REQUIRE(imported);
  CHECK(read_file(store.file_path({{9}, {9}})) == good);
  REQUIRE(store.files().size() == 1);
  CHECK(store.files()[0].created_at == Timestamp(std::chrono::milliseconds(1'650'000'000'000)));
  CHECK(f.open().files() == store.files());
}

TEST_CASE("remove forgets and clear keeps the newest until last") {
  Fixture f;
  {
    LocalStore store = f.open();
    for (std::uint64_t txid = 1; txid <= 5; ++txid) put(store, txid);
    auto removed = store.remove({{2}, {2}});
    REQUIRE(removed);
    auto again = store.remove({{2}, {2}});
    CHECK(again);
    CHECK(store.files().size() == 4);
  }
  class OneRemoval final : public io::Gate {
   public:
    std::optional<Error> before(std::string_view operation, std::string_view) override {
      if (operation != "remove" || removals_++ < 2) return std::nullopt;
      return Error{.code = Errc::io, .message = "no"};
    }

   private:
    int removals_ = 0;
  } gate;
  LocalStore cut_short = f.open(&gate);
  CHECK_FALSE(cut_short.clear());
  CHECK(cut_short.files().size() == 2);
  CHECK(cut_short.last() == TxId{5});

  LocalStore store = f.open();
  CHECK(store.files() == cut_short.files());
  auto cleared = store.clear();
  REQUIRE(cleared);
  CHECK(store.files().empty());
  CHECK(names_in(f.level()).empty());
}

TEST_CASE("a file of several TXIDs counts as newest by its end") {
  Fixture f;
  LocalStore store = f.open();
  put(store, 5);
  const LtxHeader wide = header(2, 9, 4);
  const ByteVector bytes = encode(wide, {{1, image(512, 1)}});
  MemorySource body(bytes);
  auto imported = store.import(body, wide.range);
  REQUIRE(imported);
  CHECK(store.last() == TxId{9});
  auto newest = store.verify_newest();
  REQUIRE(newest);
  CHECK((*newest)->range == wide.range);
}
