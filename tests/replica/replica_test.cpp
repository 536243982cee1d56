#include "replica/replica.hpp"

#include <algorithm>
#include <cstring>

#include "ltx_files.hpp"

using namespace replica;
using namespace ltx_files;

namespace {

const Call kCall;

TxRange range(std::uint64_t min, std::uint64_t max) { return {{min}, {max}}; }

Timestamp at(std::int64_t milliseconds) { return Timestamp(std::chrono::milliseconds(milliseconds)); }

LtxFileInfo put(Replica& replica, Level level, TxRange range, std::int64_t created, std::int64_t in_header) {
  const ByteVector bytes = encode(header(range.min.value, range.max.value, 1, 512, in_header), {{1, image(512, 1)}});
  MemorySource body(bytes);
  auto written = replica.write(level, range, at(created), body, kCall);
  REQUIRE(written);
  return *written;
}

void put_raw(Backend& backend, const std::string& key, Bytes data) {
  MemorySource body(data);
  auto stored = backend.put(key, body, {}, kCall);
  REQUIRE(stored);
}

std::vector<LtxFileInfo> list(const Replica& replica, Level level, std::uint64_t from = 0,
                              Replica::Times times = Replica::Times::listed) {
  auto files = replica.list(level, TxId{from}, kCall, times);
  REQUIRE(files);
  return *files;
}

std::vector<TxRange> ranges(const std::vector<LtxFileInfo>& files) {
  std::vector<TxRange> found;
  found.reserve(files.size());
  for (const auto& file : files) found.push_back(file.range);
  return found;
}

ByteVector drain(Reader& reader, std::size_t step) {
  ByteVector all, some(step);
  for (;;) {
    auto n = reader.read(some);
    REQUIRE(n);
    if (*n == 0) return all;
    all.insert(all.end(), some.begin(), some.begin() + static_cast<std::ptrdiff_t>(*n));
  }
}

// Until an error or the end.
Result<std::size_t> read_all(const Replica& replica, const LtxFileInfo& file, std::size_t block) {
  auto reader = replica.open(file, kCall, block);
  if (!reader) return pass(reader);
  std::size_t total = 0;
  std::array<std::byte, 50> some{};
  for (;;) {
    auto n = (*reader)->read(some);
    if (!n || *n == 0) return n ? Result<std::size_t>(total) : n;
    total += *n;
  }
}

}  // namespace

TEST_CASE("keys follow the layout of the store") {
  const std::shared_ptr<Backend> backend = make_memory_backend();
  const std::string name = "0000000000000001-00000000000000ff.ltx";
  CHECK(Replica(backend, "").key(9, range(1, 255)) == "ltx/9/" + name);
  CHECK(Replica(backend, "a/b").key(0, range(1, 255)) == "a/b/ltx/0/" + name);
  CHECK(Replica(backend, "a/b", KeyLayout::hex_levels).key(9, range(1, 255)) == "a/b/0009/" + name);
  CHECK(Replica(backend, "", KeyLayout::hex_levels).key(0, range(1, 255)) == "0000/" + name);
}

TEST_CASE("what was written is listed in order, read back and removed") {
  const auto layout = GENERATE(KeyLayout::ltx_folder, KeyLayout::hex_levels);
  const std::string path = GENERATE("", "tenants/db one");
  const std::shared_ptr<Backend> backend = make_memory_backend();
  Replica replica(backend, path, layout);
  CHECK(list(replica, 3).empty());
  CHECK(*replica.last_txid(kCall) == TxId{});

  const auto third = put(replica, 1, range(0x10, 0x20), 3000, 30);
  const auto first = put(replica, 1, range(1, 2), 1000, 10);
  const auto second = put(replica, 1, range(3, 0xf), 2000, 20);
  put(replica, 0, range(0x21, 0x21), 4000, 40);
  put(replica, 9, range(1, 0x1f), 5000, 50);
  CHECK(list(replica, 1) == std::vector<LtxFileInfo>{first, second, third});
  CHECK(first.created_at == at(1000));
  CHECK(ranges(list(replica, 1, 2)) == std::vector<TxRange>{range(3, 0xf), range(0x10, 0x20)});
  CHECK(ranges(list(replica, 1, 3)) == std::vector<TxRange>{range(3, 0xf), range(0x10, 0x20)});
  CHECK(ranges(list(replica, 1, 0x11)).empty());
  CHECK(*replica.last_txid(kCall) == TxId{0x21});
  CHECK(replica.type() == backend->type());

  auto read = replica.read_header(second, kCall);
  REQUIRE(read);
  CHECK(read->range == second.range);
  auto removed = replica.remove({first, second, first}, kCall);
  CHECK(removed);
  CHECK(list(replica, 1) == std::vector<LtxFileInfo>{third});
}

TEST_CASE("created_at is the store's time or the header's") {
  Replica replica(make_memory_backend(), "db");
  for (std::uint64_t txid = 1; txid <= 60; ++txid) {
    put(replica, 0, range(txid, txid), 1'000'000, static_cast<std::int64_t>(2'000'000 + txid));
  }
  const auto listed = list(replica, 0);
  const auto dated = list(replica, 0, 0, Replica::Times::from_headers);
  REQUIRE(dated.size() == 60);
  REQUIRE(ranges(dated) == ranges(listed));
  for (const auto& file : listed) CHECK(file.created_at == at(1'000'000));
  for (const auto& file : dated)
    CHECK(file.created_at == at(static_cast<std::int64_t>(2'000'000 + file.range.min.value)));
}

TEST_CASE("a file that goes while headers are read is left out, a damaged one is not passed over") {
  const std::shared_ptr<Backend> memory = make_memory_backend();
  const std::string gone = Replica(memory, "db").key(0, range(2, 2));
  const FaultPlan plan = [&](std::string_view operation, std::string_view key) -> std::optional<Fault> {
    if (operation != "get" || key != gone) return std::nullopt;
    return Fault{.error = {.code = Errc::not_found, .message = "gone"}, .after = false};
  };
  Replica replica(make_faulty_backend(memory, plan), "db");
  for (std::uint64_t txid = 1; txid <= 3; ++txid) put(replica, 0, range(txid, txid), 1, 1);
  CHECK(ranges(list(replica, 0, 0, Replica::Times::from_headers)) == std::vector<TxRange>{range(1, 1), range(3, 3)});

  const ByteVector garbage(200);
  put_raw(*memory, replica.key(0, range(4, 4)), garbage);
  auto damaged = replica.list(0, TxId{}, kCall, Replica::Times::from_headers);
  REQUIRE_FALSE(damaged);
  CHECK(damaged.error().code == Errc::corrupt);
  CHECK(damaged.error().message.find("0000000000000004") != std::string::npos);
}

TEST_CASE("names that are no ltx names are passed over") {
  const std::shared_ptr<Backend> backend = make_memory_backend();
  Replica replica(backend, "db");
  const auto file = put(replica, 0, range(5, 5), 1, 1);
  const std::string good = ltx_file_name(range(6, 6));
  for (const std::string name : {"readme.txt", "0000000000000006-0000000000000006.ltx.part", "6-6.ltx",
                                 "0000000000000007-0000000000000006.ltx", "000000000000000A-000000000000000A.ltx"}) {
    put_raw(*backend, "db/ltx/0/" + name, std::as_bytes(std::span("x")));
  }
  put_raw(*backend, "db/ltx/0/old/" + good, std::as_bytes(std::span("x")));
  put_raw(*backend, "db/ltx/00/" + good, std::as_bytes(std::span("x")));
  put_raw(*backend, "db/" + good, std::as_bytes(std::span("x")));
  CHECK(list(replica, 0) == std::vector<LtxFileInfo>{file});
  CHECK(*replica.last_txid(kCall) == TxId{5});
}

TEST_CASE("the peer's replicas are read as they lie") {
  const std::string version =
      GENERATE("0.5.5-ps4096", "0.5.15-ps4096", "0.5.17-ps512", "0.5.17-ps4096", "0.5.17-ps65536");
  INFO(version);
  TempDir copy;
  fs::create_directories(copy / "mine");
  fs::copy(fs::path(GOLDEN_DIR) / version / "replica", copy / "mine/db", fs::copy_options::recursive);
  const Replica replica(make_file_backend({.root = copy.path()}), "mine/db");
  TxId last;
  std::size_t files = 0;
  for (Level level = 0; level <= kSnapshotLevel; ++level) {
    const fs::path folder = copy / ("mine/db/ltx/" + std::to_string(level));
    const auto found = list(replica, level);
    const auto expected = fs::exists(folder) ? names_in(folder) : std::vector<std::string>{};
    REQUIRE(found.size() == expected.size());
    for (std::size_t i = 0; i < found.size(); ++i, ++files) {
      CHECK(found[i].name() == expected[i]);
      CHECK(found[i].level == level);
      auto read = replica.read_header(found[i], kCall);
      REQUIRE(read);
      CHECK(read->range == found[i].range);
      last = std::max(last, found[i].range.max);
      const ByteVector bytes = read_file(folder / expected[i]);
      CHECK(found[i].size == bytes.size());
      for (const std::size_t block : {std::size_t{1}, std::size_t{97}, std::size_t{1} << 20}) {
        auto reader = replica.open(found[i], kCall, block);
        REQUIRE(reader);
        CHECK(drain(**reader, block == 1 ? 4096 : 61) == bytes);
      }
    }
    const auto dated = list(replica, level, 0, Replica::Times::from_headers);
    for (const auto& file : dated) CHECK(file.created_at == replica.read_header(file, kCall)->timestamp);
  }
  CHECK(files >= 11);
  CHECK(*replica.last_txid(kCall) == last);
}

TEST_CASE("an object of another size than listed is corrupt") {
  const std::shared_ptr<Backend> backend = make_memory_backend();
  Replica replica(backend, "db");
  const auto file = put(replica, 0, range(1, 1), 1, 1);
  const std::size_t block = GENERATE(1U, 10U, 64U, 100'000U);
  CHECK(*read_all(replica, file, block) == file.size);
  for (const int difference : {-1, 1, 50, -150}) {
    INFO("block " << block << " difference " << difference);
    ByteVector bytes(static_cast<std::size_t>(static_cast<int>(file.size) + difference));
    put_raw(*backend, replica.key(0, file.range), bytes);
    auto read = read_all(replica, file, block);
    REQUIRE_FALSE(read);
    CHECK(read.error().code == Errc::corrupt);
  }
  LtxFileInfo tiny = file;
  tiny.size = 99;
  CHECK(replica.open(tiny, kCall).error().code == Errc::corrupt);
  put_raw(*backend, replica.key(0, file.range), ByteVector(99));
  CHECK(replica.read_header(file, kCall).error().code == Errc::corrupt);
}

TEST_CASE("an object that holds another file than its name says is corrupt") {
  const std::shared_ptr<Backend> backend = make_memory_backend();
  Replica replica(backend, "db");
  LtxFileInfo file = put(replica, 0, range(1, 1), 1, 1);
  file.range = range(2, 2);
  put_raw(*backend, replica.key(0, file.range), encode(header(3, 3, 1), {{1, image(512, 1)}}));
  CHECK(replica.read_header(file, kCall).error().code == Errc::corrupt);
}

TEST_CASE("a file is read in as many requests as it has blocks, and failures are told") {
  const std::shared_ptr<Backend> memory = make_memory_backend();
  int requests = 0, fail_at = 0;
  const FaultPlan plan = [&](std::string_view operation, std::string_view) -> std::optional<Fault> {
    if (operation == "put" || ++requests != fail_at) return std::nullopt;
    return Fault{.error = {.code = Errc::unavailable, .message = "down"}, .after = false};
  };
  const std::shared_ptr<Backend> faulty = make_faulty_backend(memory, plan);
  Replica replica(faulty, "db");
  const auto file = put(replica, 0, range(1, 1), 1, 1);
  CHECK(*read_all(replica, file, 64) == file.size);
  CHECK(static_cast<std::uint64_t>(requests) == (file.size + 63) / 64);

  requests = 0;
  fail_at = 2;
  CHECK(read_all(replica, file, 64).error().code == Errc::unavailable);

  RetryOptions soon;
  soon.first_pause = soon.longest_pause = std::chrono::milliseconds(0);
  const Replica patient(make_retrying_backend(faulty, soon), "db");
  requests = 0;
  CHECK(*read_all(patient, file, 64) == file.size);

  auto removed = memory->remove(replica.key(0, file.range), kCall);
  REQUIRE(removed);
  CHECK(replica.open(file, kCall).error().code == Errc::not_found);
}

TEST_CASE("a caller that has given up gets nothing done") {
  Replica replica(make_memory_backend(), "db");
  const auto file = put(replica, 0, range(1, 1), 1, 1);
  auto reader = replica.open(file, kCall, 16);
  REQUIRE(reader);
  std::stop_source stop;
  const Call call{.stop = stop.get_token(), .deadline = {}};
  auto stoppable = replica.open(file, call, 16);
  REQUIRE(stoppable);
  stop.request_stop();
  CHECK(replica.list(0, TxId{}, call).error().code == Errc::cancelled);
  CHECK(replica.last_txid(call).error().code == Errc::cancelled);
  CHECK(replica.open(file, call).error().code == Errc::cancelled);
  CHECK(replica.remove({file}, call).error().code == Errc::cancelled);
  std::array<std::byte, 16> some{};
  REQUIRE((*stoppable)->read(some));
  auto next = (*stoppable)->read(some);
  REQUIRE_FALSE(next);
  CHECK(next.error().code == Errc::cancelled);
  CHECK(drain(**reader, 100).size() == file.size);
}

TEST_CASE("removing stops at the first failure") {
  const std::shared_ptr<Backend> memory = make_memory_backend();
  const std::string stuck = Replica(memory, "db").key(0, range(2, 2));
  const FaultPlan plan = [&](std::string_view operation, std::string_view key) -> std::optional<Fault> {
    if (operation != "remove" || key != stuck) return std::nullopt;
    return Fault{.error = {.code = Errc::permission_denied, .message = "no"}, .after = false};
  };
  Replica replica(make_faulty_backend(memory, plan), "db");
  std::vector<LtxFileInfo> files;
  for (std::uint64_t txid = 1; txid <= 3; ++txid) files.push_back(put(replica, 0, range(txid, txid), 1, 1));
  CHECK(replica.remove(files, kCall).error().code == Errc::permission_denied);
  CHECK(ranges(list(replica, 0)) == std::vector<TxRange>{range(2, 2), range(3, 3)});
}
