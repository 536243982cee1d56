#include "config/duration.hpp"

#include <random>

#include "support/catch.hpp"

using config::Duration;
using config::format_duration;
using config::parse_duration;
using config::parse_size;
using namespace std::chrono_literals;

TEST_CASE("durations are read in Go's notation") {
  struct Row {
    const char* text;
    Duration value;
  };
  const auto row = GENERATE(values<Row>({{"0", 0s},
                                         {"0s", 0s},
                                         {"300ms", 300ms},
                                         {"1.5h", 90min},
                                         {"1h30m5s", 1h + 30min + 5s},
                                         {"2us", 2us},
                                         {"2\xc2\xb5s", 2us},
                                         {"2\xce\xbcs", 2us},
                                         {"7ns", 7ns},
                                         {"-1s", -1s},
                                         {"+1m", 1min},
                                         {".5s", 500ms},
                                         {"1.s", 1s},
                                         {"24h", 24h}}));
  INFO(row.text);
  const auto value = parse_duration(row.text);
  REQUIRE(value);
  CHECK(*value == row.value);
}

TEST_CASE("what is no duration says why") {
  struct Row {
    const char *text, *message;
  };
  const auto row =
      GENERATE(values<Row>({{"", "nothing in duration \"\""},
                            {"-", "nothing in duration \"-\""},
                            {"30", "missing unit in duration \"30\""},
                            {"1.5", "missing unit in duration \"1.5\""},
                            {"1h30", "missing unit in duration \"1h30\""},
                            {"1d", "unknown unit \"d\" in duration \"1d\""},
                            {"2w", "unknown unit \"w\" in duration \"2w\""},
                            {"1 s", "unknown unit \" s\" in duration \"1 s\""},
                            {"s", "no usable number in duration \"s\""},
                            {".s", "no usable number in duration \".s\""},
                            {"99999999999999999999s", "no usable number in duration \"99999999999999999999s\""},
                            {"9999999999h", "number too large in duration \"9999999999h\""}}));
  INFO(row.text);
  const auto value = parse_duration(row.text);
  REQUIRE_FALSE(value);
  CHECK(value.error().message == row.message);
  CHECK_FALSE(value.error().hint.empty());
}

TEST_CASE("durations are written as Go does") {
  CHECK(format_duration(0s) == "0s");
  CHECK(format_duration(24h) == "24h0m0s");
  CHECK(format_duration(1h + 30min + 5s) == "1h30m5s");
  CHECK(format_duration(1500ms) == "1.5s");
  CHECK(format_duration(2us) == "2\xc2\xb5s");
  CHECK(format_duration(1500us) == "1.5ms");
  CHECK(format_duration(999ns) == "999ns");
  CHECK(format_duration(-1h) == "-1h0m0s");
  CHECK(format_duration(60s) == "1m0s");
  CHECK(format_duration(61s + 1ns) == "1m1.000000001s");
}

TEST_CASE("a written duration is read back as it was") {
  const unsigned seed = [] {
    const char* given = std::getenv("LITESTREAM_TEST_SEED");
    return given != nullptr ? static_cast<unsigned>(std::strtoul(given, nullptr, 10)) : std::random_device{}();
  }();
  INFO("LITESTREAM_TEST_SEED=" << seed);
  std::mt19937_64 random(seed);
  for (int i = 0; i < 2000; ++i) {
    const Duration value(static_cast<std::int64_t>(random() >> (random() % 62 + 2)) * (i % 2 == 0 ? 1 : -1));
    const auto back = parse_duration(format_duration(value));
    INFO(format_duration(value));
    REQUIRE(back);
    // Fractions of a second go through a double: good to a nanosecond.
    CHECK(std::abs((*back - value).count()) <= 1);
  }
}

TEST_CASE("milliseconds round up, so that a short time is not none") {
  CHECK(config::to_milliseconds(1ns) == 1ms);
  CHECK(config::to_milliseconds(1500us) == 2ms);
  CHECK(config::to_milliseconds(0ns) == 0ms);
}

TEST_CASE("sizes are decimal, with an i binary") {
  struct Row {
    const char* text;
    std::uint64_t value;
  };
  const auto row = GENERATE(values<Row>({{"1048576", 1048576},
                                         {"5MB", 5'000'000},
                                         {"5 mb", 5'000'000},
                                         {"16MiB", 16U << 20},
                                         {"16Mi", 16U << 20},
                                         {"1.5GiB", 1610612736},
                                         {"1,024k", 1'024'000},
                                         {"2G", 2'000'000'000},
                                         {"7b", 7}}));
  INFO(row.text);
  const auto value = parse_size(row.text);
  REQUIRE(value);
  CHECK(*value == row.value);
}

TEST_CASE("what is no size is refused") {
  CHECK(parse_size("").error().message == "empty size string");
  const auto text = GENERATE("x", "5XB", "MB", "1.2.3MB", "5 MBs", "-1", "99999999999EB", "5i", ".");
  INFO(text);
  const auto value = parse_size(text);
  REQUIRE_FALSE(value);
  CHECK(value.error().message == std::string("invalid size format: ") + text);
}
