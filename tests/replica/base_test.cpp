// The words everyone speaks: errors, ids, times, bytes, patience.
#include <array>
#include <limits>
#include <set>
#include <string>
#include <vector>

#include "base/endian.hpp"
#include "base/text.hpp"
#include "replica/bytes.hpp"
#include "replica/clock.hpp"
#include "replica/log.hpp"
#include "support/catch.hpp"

using namespace replica;
using namespace std::chrono_literals;

namespace {

Result<int> broken() { return fail(Errc::no_space, "write block", "free some space"); }

Result<void> outer() {
  auto r = broken();
  if (!r) return pass(r, "store page 7");
  return {};
}

Timestamp at(std::int64_t milliseconds) { return Timestamp(std::chrono::milliseconds(milliseconds)); }

// Gives its bytes one at a time.
class Trickle final : public Reader {
 public:
  explicit Trickle(Bytes data) : data_(data) {}
  Result<std::size_t> read(MutableBytes out) override {
    if (out.empty() || data_.empty()) return std::size_t{0};
    out[0] = data_[0];
    data_ = data_.subspan(1);
    return std::size_t{1};
  }

 private:
  Bytes data_;
};

class Unreadable final : public Reader {
 public:
  Result<std::size_t> read(MutableBytes) override { return fail(Errc::io, "read"); }
};

class Recorder final : public Logger {
 public:
  bool enabled(LogLevel level) const noexcept override { return level >= LogLevel::info; }
  void write(LogLevel, std::string_view message, std::span<const LogField> fields) override {
    lines.emplace_back(message);
    for (const LogField& field : fields) lines.back() += ' ' + std::string(field.key) + '=' + field.value;
  }
  std::vector<std::string> lines;
};

}  // namespace

TEST_CASE("errors carry code, context and hint") {
  auto r = outer();
  REQUIRE_FALSE(r);
  CHECK(r.error().code == Errc::no_space);
  CHECK(r.error().message == "store page 7: write block");
  CHECK(r.error().hint == "free some space");
  auto again = broken();
  const Failure unchanged = pass(again);
  CHECK(unchanged.value().message == "write block");
}

TEST_CASE("every code has its own stable name, and few are worth another try") {
  std::set<std::string_view> names;
  for (int i = 0; i <= static_cast<int>(Errc::io); ++i) names.insert(name(static_cast<Errc>(i)));
  CHECK(names == std::set<std::string_view>{"not_found", "already_exists", "precondition_failed", "permission_denied",
                                            "invalid_argument", "out_of_range", "corrupt", "unsupported", "busy",
                                            "unavailable", "timed_out", "cancelled", "no_space", "io"});
  std::set<std::string_view> retryable;
  for (int i = 0; i <= static_cast<int>(Errc::io); ++i) {
    if (is_retryable({static_cast<Errc>(i), "x"})) retryable.insert(name(static_cast<Errc>(i)));
  }
  CHECK(retryable == std::set<std::string_view>{"busy", "unavailable", "timed_out", "io"});
}

TEST_CASE("a TXID is 16 hex digits") {
  CHECK(TxId{0x1a2b}.text() == "0000000000001a2b");
  CHECK(TxId{~0ULL}.text() == "ffffffffffffffff");
  for (const std::string_view text : {"0000000000001a2b", "0000000000001A2B"}) {
    auto parsed = TxId::parse(text);
    REQUIRE(parsed);
    CHECK(parsed->value == 0x1a2b);
  }
  for (const std::string_view text : {"", "5", "000000000000000g", "00000000000000001", "-000000000000001",
                                      "+000000000000001", " 000000000000001", "0x00000000000001"}) {
    INFO(text);
    auto parsed = TxId::parse(text);
    REQUIRE_FALSE(parsed);
    CHECK(parsed.error().code == Errc::invalid_argument);
    CHECK(parsed.error().message == "invalid txid format");
  }
}

TEST_CASE("times are written as RFC 3339 with milliseconds only where there are some") {
  CHECK(to_rfc3339(at(0)) == "1970-01-01T00:00:00Z");
  CHECK(to_rfc3339(at(1795443276443)) == "2026-11-23T14:14:36.443Z");
  CHECK(to_rfc3339(at(1795443276003)) == "2026-11-23T14:14:36.003Z");
  CHECK(to_rfc3339(at(-1)) == "1969-12-31T23:59:59.999Z");
  CHECK(to_rfc3339(at(951782400000)) == "2000-02-29T00:00:00Z");
  CHECK(to_rfc3339(at(std::numeric_limits<std::int64_t>::max())) == "9999-12-31T23:59:59.999Z");
  CHECK(to_rfc3339(at(std::numeric_limits<std::int64_t>::min())) == "0000-01-01T00:00:00Z");
}

TEST_CASE("times are read with any offset and precision") {
  const auto [text, milliseconds] = GENERATE(table<std::string, std::int64_t>({
      {"1970-01-01T00:00:00Z", 0},
      {"2026-11-23T14:14:36.443Z", 1795443276443},
      {"2026-11-23t14:14:36.443999999z", 1795443276443},
      {"2026-11-23T14:14:36.4Z", 1795443276400},
      {"2026-11-23T16:44:36+02:30", 1795443276000},
      {"2026-11-23T13:44:36-00:30", 1795443276000},
      {"2026-11-23 14:14:36Z", 1795443276000},
      {"1969-12-31T23:59:59.999Z", -1},
      {"2016-12-31T23:59:60Z", 1483228800000},
  }));
  INFO(text);
  auto parsed = parse_rfc3339(text);
  REQUIRE(parsed);
  CHECK(parsed->time_since_epoch().count() == milliseconds);
}

TEST_CASE("what is no time is refused") {
  const std::string text = GENERATE(
      as<std::string>(), "", "now", "2026-11-23", "2026-11-23T14:14:36", "2026-11-23T14:14Z", "2026-11-23T14:14:36.Z",
      "2026-02-29T00:00:00Z", "2026-13-01T00:00:00Z", "2026-00-01T00:00:00Z", "2026-01-00T00:00:00Z",
      "2026-01-01T24:00:00Z", "2026-01-01T00:60:00Z", "2026-01-01T00:00:61Z", "2026-01-01T00:00:00Zx",
      "2026-01-01T00:00:00+0200", "2026-01-01T00:00:00+24:00", "2026-01-01T00:00:00+01:60", "226-01-01T00:00:00Z",
      "2026-1-01T00:00:00Z", "-026-01-01T00:00:00Z", "2026-01-01T00:00:00+1:00", "2026-01-01X00:00:00Z");
  INFO(text);
  auto parsed = parse_rfc3339(text);
  REQUIRE_FALSE(parsed);
  CHECK(parsed.error().code == Errc::invalid_argument);
}

TEST_CASE("written times are read back") {
  for (std::int64_t ms = -62'167'219'200'000; ms < 253'402'300'800'000; ms += 7'777'777'777'777) {
    auto parsed = parse_rfc3339(to_rfc3339(at(ms)));
    REQUIRE(parsed);
    CHECK(parsed->time_since_epoch().count() == ms);
  }
}

TEST_CASE("integers go to bytes and back in both orders") {
  std::array<std::byte, 8> bytes{};
  base::store_be<std::uint64_t>(bytes.data(), 0x0102030405060708ULL);
  CHECK(bytes[0] == std::byte{1});
  CHECK(base::load_be<std::uint64_t>(bytes.data()) == 0x0102030405060708ULL);
  CHECK(base::load_le<std::uint64_t>(bytes.data()) == 0x0807060504030201ULL);
  CHECK(base::load_be<std::uint16_t>(bytes.data() + 6) == 0x0708);
  base::store_le<std::uint32_t>(bytes.data(), 0xfffefdfc);
  CHECK(bytes[0] == std::byte{0xfc});
  CHECK(base::load_le<std::uint32_t>(bytes.data()) == 0xfffefdfc);
}

TEST_CASE("text is put together from pieces") {
  CHECK(base::concat("page ", 7U, " of ", std::int64_t{-1}, std::string("!")) == "page 7 of -1!");
  CHECK(base::concat().empty());
  CHECK(base::hex(0xabc, 8) == "00000abc");
  CHECK(base::hex(0xabcdef, 2) == "ef");
}

TEST_CASE("page sizes and the lock page") {
  std::vector<std::uint32_t> sizes;
  for (std::uint32_t n = 0; n <= 140'000; ++n) {
    if (is_page_size(n)) sizes.push_back(n);
  }
  CHECK(sizes == std::vector<std::uint32_t>{512, 1024, 2048, 4096, 8192, 16384, 32768, 65536});
  CHECK(lock_page(4096) == 262145);
  CHECK(lock_page(65536) == 16385);
  CHECK(lock_page(512) == 2097153);
}

TEST_CASE("exact reads go on after short ones and tell a missing byte") {
  const std::array<std::byte, 3> data{std::byte{1}, std::byte{2}, std::byte{3}};
  Trickle whole(data), shorter(data);
  std::array<std::byte, 3> three{};
  REQUIRE(read_exactly(whole, three));
  CHECK(three == data);
  std::array<std::byte, 4> four{};
  auto missing = read_exactly(shorter, four);
  REQUIRE_FALSE(missing);
  CHECK(missing.error().code == Errc::corrupt);
  CHECK(missing.error().message == "unexpected end of file");
  Unreadable unreadable;
  auto failed = read_exactly(unreadable, four);
  REQUIRE_FALSE(failed);
  CHECK(failed.error().code == Errc::io);
  CHECK(read_exactly(unreadable, {}));
}

TEST_CASE("memory streams can be started over") {
  const std::array<std::byte, 3> data{std::byte{1}, std::byte{2}, std::byte{3}};
  MemorySource source(data);
  MemorySink sink;
  CHECK(source.size() == 3);
  std::array<std::byte, 2> part{};
  for (int round = 0; round < 2; ++round) {
    auto first = source.read(part);
    REQUIRE(first);
    CHECK(*first == 2);
    REQUIRE(sink.write(Bytes(part).first(*first)));
    auto second = source.read(part);
    REQUIRE(second);
    CHECK(*second == 1);
    REQUIRE(sink.write(Bytes(part).first(*second)));
    CHECK(sink.data() == std::vector<std::byte>(data.begin(), data.end()));
    auto end = source.read(part);
    REQUIRE(end);
    CHECK(*end == 0);
    REQUIRE(source.rewind());
    REQUIRE(sink.reset());
    CHECK(sink.data().empty());
  }
}

TEST_CASE("a call is over when it was stopped or its deadline has passed") {
  CHECK(Call{}.check("sync"));
  const SystemClock clock;
  Call patient{.stop = {}, .deadline = clock.steady() + 1h};
  CHECK(patient.check("sync"));
  Call late{.stop = {}, .deadline = clock.steady()};
  auto r = late.check("sync");
  REQUIRE_FALSE(r);
  CHECK(r.error().code == Errc::timed_out);
  std::stop_source source;
  Call stopped{.stop = source.get_token(), .deadline = clock.steady()};
  source.request_stop();
  auto cancelled = stopped.check("sync");
  REQUIRE_FALSE(cancelled);
  CHECK(cancelled.error().code == Errc::cancelled);
  CHECK(cancelled.error().message == "sync was cancelled");
}

TEST_CASE("the system clock tells the time of the system") {
  const SystemClock clock;
  const auto before = std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
  const Timestamp now = clock.now();
  CHECK(now >= before);
  CHECK(now <= std::chrono::system_clock::now());
  const Clock::Steady earlier = clock.steady(), later = clock.steady();
  CHECK(earlier <= later);
}

TEST_CASE("log lines reach a logger only at its level") {
  Recorder recorder;
  recorder.log(LogLevel::debug, "not this");
  recorder.log(LogLevel::warn, "checkpoint", {{"db", "a.db"}, {"frames", "7"}});
  CHECK(recorder.lines == std::vector<std::string>{"checkpoint db=a.db frames=7"});
  CHECK_FALSE(null_logger().enabled(LogLevel::error));
  null_logger().write(LogLevel::error, "nobody hears this", {});
  CHECK(&null_logger() == &null_logger());
}
