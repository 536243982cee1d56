// Memory of what a database keeps at rest.
#include "engine/lasting.hpp"

#include <atomic>
#include <cstring>
#include <thread>
#include <vector>

#include "engine/backlog.hpp"
#include "engine/levels.hpp"
#include "engine/settings.hpp"
#include "support/catch.hpp"

using namespace replica;

namespace {

// Counts what is asked of it.
class Counting final : public std::pmr::memory_resource {
 public:
  std::size_t bytes = 0;

 private:
  void* do_allocate(std::size_t size, std::size_t alignment) override {
    bytes += size;
    return std::pmr::new_delete_resource()->allocate(size, alignment);
  }
  void do_deallocate(void* piece, std::size_t size, std::size_t alignment) override {
    bytes -= size;
    std::pmr::new_delete_resource()->deallocate(piece, size, alignment);
  }
  bool do_is_equal(const std::pmr::memory_resource& other) const noexcept override { return this == &other; }
};

}  // namespace

TEST_CASE("pieces of several threads do not overlap") {
  LastingMemory memory;
  std::atomic<int> damaged{0};
  const auto work = [&](unsigned char mark) {
    std::vector<std::pair<unsigned char*, std::size_t>> held;
    for (std::size_t n = 0; n < 2000; ++n) {
      const std::size_t size = 16 + (n * 37 + mark) % 700;
      auto* piece = static_cast<unsigned char*>(memory.allocate(size));
      std::memset(piece, mark, size);
      held.emplace_back(piece, size);
      if (n % 3 != 0) continue;
      const auto [old, length] = held[held.size() / 2];
      for (std::size_t i = 0; i < length; ++i) damaged += old[i] != mark ? 1 : 0;
      memory.deallocate(old, length);
      held.erase(held.begin() + static_cast<std::ptrdiff_t>(held.size() / 2));
    }
    for (const auto& [piece, length] : held) memory.deallocate(piece, length);
  };
  std::vector<std::thread> threads;
  for (unsigned char mark = 1; mark <= 4; ++mark) threads.emplace_back(work, mark);
  for (auto& one : threads) one.join();
  CHECK(damaged == 0);
}

TEST_CASE("one piece of lasting memory is given back where it came from") {
  Counting memory;
  {
    using Piece = std::pair<int, std::string>;
    engine::Lasting<Piece> piece(nullptr, engine::GiveBack<Piece>{&memory});
    CHECK(memory.bytes == 0);
    piece = engine::make_lasting<Piece>(memory);
    CHECK(memory.bytes == sizeof *piece);
    piece->second = "longer than what is kept in place, so that a leak would show";
  }
  CHECK(memory.bytes == 0);
}

TEST_CASE("settings that are the same are there once") {
  engine::SharedSettings shared;
  const auto made = [&](const DatabaseConfig& config) { return engine::settings_of(config, &shared); };
  DatabaseConfig config{.path = "/a.db"};
  const auto first = made(config);
  config.path = "/b.db";
  const auto second = made(config);
  CHECK(first.common == second.common);
  CHECK(first.path == "/a.db");
  CHECK(second.path == "/b.db");
  config.hibernate_after = std::chrono::minutes(1);
  const auto other = made(config);
  CHECK(other->hibernate_after == std::chrono::minutes(1));
  CHECK(second->hibernate_after == std::chrono::minutes(5));
  config.hibernate_after = std::chrono::minutes(5);
  config.meta_path = "/elsewhere";
  CHECK(made(config)->meta_path == "/elsewhere");
  config.meta_path.clear();
  config.more_replicas.push_back({.sync_interval = std::chrono::milliseconds(5)});
  CHECK(made(config)->sync_interval == std::chrono::milliseconds(5));
  // However many differ.
  for (int n = 1; n < 100; ++n) {
    config.busy_timeout = std::chrono::milliseconds(n);
    CHECK(made(config)->busy_timeout == std::chrono::milliseconds(n));
  }
  const auto name = [&](const char* given) {
    return engine::settings_of(DestinationConfig{.name = given, .server = "s"}, &shared);
  };
  CHECK(name("one") == name("one"));
  CHECK(name("one") != name("two"));
}

TEST_CASE("the files of a replica are kept in the memory that is meant for them, and no more than they take") {
  Counting memory;
  {
    engine::Levels levels(&memory);
    REQUIRE(levels.load(Replica(make_memory_backend(), "db"), {}));
    for (std::uint64_t n = 1; n <= 9; ++n) levels.added({.level = 0, .range = {{n}, {n}}});
    CHECK(memory.bytes > 9 * engine::Levels::kBytesOfFile);
    levels.settle();
    CHECK(memory.bytes == 9 * engine::Levels::kBytesOfFile);
    CHECK(levels.files(0).size() == 9);
    levels.forget();
    CHECK(memory.bytes == 0);
  }
  CHECK(memory.bytes == 0);
}

TEST_CASE("what is known of the files of a replica is kept whole") {
  engine::Levels levels;
  REQUIRE(levels.load(Replica(make_memory_backend(), "db"), {}));
  const Timestamp now{std::chrono::milliseconds(1'700'000'000'123)};
  const std::vector<LtxFileInfo> files{
      {.level = 0, .range = {{7}, {7}}, .size = 0, .created_at = {}},
      {.level = 1, .range = {{1}, {~std::uint64_t{0}}}, .size = (std::uint64_t{1} << 56U) - 1, .created_at = now},
      {.level = kSnapshotLevel, .range = {{1}, {2}}, .size = std::uint64_t{5} << 40U, .created_at = now},
      {.level = kSnapshotLevel, .range = {{1}, {6}}, .size = 4096, .created_at = now}};
  for (auto file = files.rbegin(); file != files.rend(); ++file) levels.added(*file);
  std::vector<LtxFileInfo> kept;
  for (Level level = 0; level <= kSnapshotLevel; ++level) {
    for (const LtxFileInfo& file : levels.files(level)) kept.push_back(file);
  }
  CHECK(kept == files);
  CHECK(levels.newest(kSnapshotLevel) == files.back());
  CHECK(levels.last().value == ~std::uint64_t{0});
  levels.removed({files[1], files[3]});
  CHECK(levels.files(1).empty());
  CHECK(levels.newest(kSnapshotLevel) == files[2]);
}

TEST_CASE("a backlog is what was made since a time and is not shipped, oldest first") {
  const auto at = [](int ms) { return Timestamp{std::chrono::milliseconds(ms)}; };
  engine::Backlog backlog;
  CHECK(backlog.bytes() == 0);
  CHECK_FALSE(backlog.since());
  backlog.shipped({5});
  std::vector<LtxFileInfo> files;
  for (std::uint64_t n = 1; n <= 5; ++n)
    files.push_back({.level = 0, .range = {{n}, {n}}, .size = 10 * n, .created_at = at(static_cast<int>(n))});
  backlog.rebuild(files, {2}, at(4));
  CHECK(backlog.bytes() == 90);
  CHECK(backlog.since() == at(4));
  backlog.rebuild(files, {2}, {});
  CHECK(backlog.bytes() == 120);
  CHECK(backlog.since() == at(3));
  backlog.shipped({3});
  CHECK(backlog.bytes() == 90);
  CHECK(backlog.since() == at(4));
  backlog.shipped({5});
  CHECK(backlog.bytes() == 0);
  CHECK_FALSE(backlog.since());
}
