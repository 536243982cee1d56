// All pages of a database, prepared by one thread or two, and the first copies made of them.
#include <atomic>

#include "engine/page_runs.hpp"
#include "engine_fixture.hpp"
#include "ltx/page_codec.hpp"
#include "replicator/helper_threads.hpp"
#include "store/page_hash_map.hpp"

using namespace engine_fixture;
using replicator::HelperThreads;

namespace {

// Counts how often it is asked.
struct CountedHelpers final : engine::Helpers {
  explicit CountedHelpers(int most) : threads(most) {}
  std::unique_ptr<Help> begin(std::function<void()> work) override {
    ++asked;
    return threads.begin(std::move(work));
  }
  HelperThreads threads;
  int asked = 0;
};

// A database of about 12 MB, with pages that are newer in the log.
void make_large(Application& app) {
  app.fill(6000);
  app.checkpoint("TRUNCATE");
  for (int id = 1; id < 6000; id += 500) app.update(id);
}

// The database as the runs give it, each page compared with what was made of it.
ByteVector image_of(const std::string& path, engine::Helpers* helpers) {
  auto pin = engine::Pin::open(path, {});
  REQUIRE(pin);
  auto image = engine::DatabaseImage::open(*pin, path, nullptr);
  REQUIRE(image);
  const std::size_t page_size = image->page_size();
  ByteVector all, expanded(page_size);
  bool same = true;
  REQUIRE(engine::each_page(*image, helpers, [&](const engine::PreparedPage& prepared) -> Result<void> {
    const LtxPage& page = prepared.page;
    same = same && page.page == all.size() / page_size + 1 && prepared.hash == store::page_hash(page.image);
    same = same && ltx::decompress_block(page.compressed, expanded) && std::ranges::equal(expanded, page.image);
    all.insert(all.end(), page.image.begin(), page.image.end());
    return {};
  }));
  CHECK(same);
  CHECK(all.size() == image->commit() * page_size);
  return all;
}

std::unique_ptr<engine::Database> helped(Fixture& f, engine::Helpers& helpers, io::Gate* gate = nullptr) {
  return std::make_unique<engine::Database>(
      f.config(), f.options,
      engine::Environment{
          .clock = &f.clock, .logger = &null_logger(), .gate = gate, .events = nullptr, .helpers = &helpers});
}

}  // namespace

TEST_CASE("pages come in order, with hash and block, whoever prepares them") {
  Fixture f;
  Application app(f.path);
  make_large(app);
  const ByteVector expected = serialized(f.path);
  HelperThreads none(0), one(1);
  for (engine::Helpers* helpers : {static_cast<engine::Helpers*>(nullptr), static_cast<engine::Helpers*>(&none),
                                   static_cast<engine::Helpers*>(&one)}) {
    const bool equal = image_of(f.path, helpers) == expected;
    CHECK(equal);
  }
}

TEST_CASE("pages of every size come in order") {
  const int page_size = GENERATE(512, 1024, 32'768, 65'536);
  Fixture f;
  Application app(f.path);
  app.run("PRAGMA journal_mode=delete; PRAGMA page_size=" + std::to_string(page_size) +
          "; VACUUM; PRAGMA journal_mode=wal");
  app.fill(4000);
  HelperThreads one(1);
  const bool equal = image_of(f.path, &one) == serialized(f.path);
  CHECK(equal);
}

TEST_CASE("an error in the middle ends it, and the helper is free again") {
  Fixture f;
  Application app(f.path);
  make_large(app);
  auto pin = engine::Pin::open(f.path, {});
  REQUIRE(pin);
  auto image = engine::DatabaseImage::open(*pin, f.path, nullptr);
  REQUIRE(image);
  HelperThreads one(1);
  for (const PageNo last : {PageNo{1}, PageNo{64}, PageNo{65}, PageNo{1500}, image->commit()}) {
    PageNo seen = 0;
    auto done = engine::each_page(*image, &one, [&](const engine::PreparedPage& prepared) -> Result<void> {
      seen = prepared.page.page;
      return seen == last ? Result<void>(fail(Errc::no_space, "full")) : Result<void>{};
    });
    CHECK(done.error().code == Errc::no_space);
    CHECK(seen == last);
    CHECK(one.begin([] {}) != nullptr);
  }
}

TEST_CASE("no more threads are lent than there are") {
  HelperThreads two(2);
  std::atomic<int> worked = 0;
  {
    const auto first = two.begin([&] { ++worked; }), second = two.begin([&] { ++worked; });
    CHECK((first && second));
    CHECK(two.begin([&] { ++worked; }) == nullptr);
  }
  CHECK(worked == 2);
  CHECK(two.begin([&] { ++worked; }) != nullptr);
  CHECK(worked == 3);
  CHECK(replicator::helpers_for(0) == 0);
  CHECK(replicator::helpers_for(4) <= 4);
}

TEST_CASE("a first copy and a snapshot of a large database have a helper, of a small one none") {
  const bool large = GENERATE(false, true);
  Fixture f;
  Application app(f.path);
  if (large) make_large(app);
  if (!large) app.fill(100);
  CountedHelpers helpers(1);
  const auto daemon = helped(f, helpers);
  sync(*daemon);
  CHECK(helpers.asked == (large ? 1 : 0));
  f.check_equal();
  app.update(7);
  REQUIRE(daemon->snapshot({}));
  CHECK(helpers.asked == (large ? 2 : 0));
  CHECK(f.listed(kSnapshotLevel).size() == 1);
  f.check_equal();
}

TEST_CASE("every effect of a first copy with a helper fails once") {
  std::uint64_t nth = 0;
  std::uint64_t effects = 0;
  for (bool fired = true; fired; ++effects) {
    Fixture f;
    Application app(f.path);
    app.fill(2600);
    // The first ones each, then every thirty-first: most are reads and writes of a run.
    nth += nth < 30 ? 1 : 31;
    support::FailNth gate(nth);
    HelperThreads one(1);
    const auto daemon = helped(f, one, &gate);
    bool failed = false;
    for (int attempt = 0; attempt < 3 && !(daemon->capture({}) && daemon->ship({})); ++attempt) failed = true;
    fired = gate.fired();
    INFO(gate.failed());
    CHECK((fired || !failed));
    REQUIRE(daemon->replicated() == daemon->captured());
    REQUIRE(daemon->captured());
    f.check_equal();
  }
  CHECK(effects > 20);
}
