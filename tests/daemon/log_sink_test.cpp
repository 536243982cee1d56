#include "log_sink.hpp"

#include <unistd.h>

#include <array>

#include "support/catch.hpp"

using litestreamd::format_line;
using litestreamd::LogFormat;
using replica::LogField;
using replica::LogLevel;

namespace {

const replica::Timestamp kTime{std::chrono::milliseconds(1'795'443'263'749)};

std::string line(LogFormat format, std::string_view message, std::vector<LogField> fields, bool colour = false) {
  return format_line(format, colour, kTime, LogLevel::info, message, fields);
}

}  // namespace

TEST_CASE("text lines are those of slog") {
  CHECK(line(LogFormat::text, "initialized db", {{"path", "/x"}}) ==
        "time=2026-11-23T14:14:23.749Z level=INFO msg=\"initialized db\" path=/x");
  const auto whole_second = format_line(LogFormat::text, false, replica::Timestamp{}, LogLevel::warn, "x", {});
  CHECK(whole_second == "time=1970-01-01T00:00:00.000Z level=WARN msg=x");
}

TEST_CASE("text values are quoted only when they must be") {
  struct Row {
    std::string value, written;
  };
  const auto row = GENERATE(values<Row>({{"plain", "plain"},
                                         {"", "\"\""},
                                         {"a b", "\"a b\""},
                                         {"a=b", "\"a=b\""},
                                         {"say \"hi\"", "\"say \\\"hi\\\"\""},
                                         {"a\\b", "a\\b"},
                                         {"a\\ b", "\"a\\\\ b\""},
                                         {"line\nbreak\ttab\r", "\"line\\nbreak\\ttab\\r\""},
                                         {std::string("nul\0x", 5), "\"nul\\x00x\""},
                                         {"\x1b[31m", "\"\\x1b[31m\""},
                                         {"gr\xc3\xbc\xc3\x9f", "gr\xc3\xbc\xc3\x9f"},
                                         {"\xff", "\"\\xff\""},
                                         {"\xc3", "\"\\xc3\""},
                                         {"\xc0\xaf", "\"\\xc0\\xaf\""},
                                         {"\xed\xa0\x80", "\"\\xed\\xa0\\x80\""}}));
  INFO(row.written);
  CHECK(line(LogFormat::text, "m", {{"k", row.value}}).ends_with(" msg=m k=" + row.written));
}

TEST_CASE("JSON lines are valid whatever is in them") {
  CHECK(line(LogFormat::json, "a \"b\"", {{"path", "/x\n"}, {"bad", "\xff"}, {"bell", "\a"}}) ==
        "{\"time\":\"2026-11-23T14:14:23.749Z\",\"level\":\"INFO\",\"msg\":\"a \\\"b\\\"\",\"path\":\"/x\\n\","
        "\"bad\":\"\\ufffd\",\"bell\":\"\\u0007\"}");
}

TEST_CASE("a field of a JSON line never repeats the names of the line") {
  CHECK(line(LogFormat::json, "m", {{"level", "1"}, {"msg", "2"}, {"time", "3"}})
            .ends_with("\"level_\":\"1\",\"msg_\":\"2\",\"time_\":\"3\"}"));
}

TEST_CASE("pretty lines are short and coloured on demand") {
  CHECK(line(LogFormat::pretty, "initialized db", {{"path", "/x y"}}) == "14:14:23 INF initialized db path=\"/x y\"");
  CHECK(line(LogFormat::pretty, "m", {}, true) == "14:14:23 \x1b[32mINF\x1b[0m m");
  CHECK(line(LogFormat::pretty, "two\nlines", {}) == "14:14:23 INF two\\nlines");
}

TEST_CASE("levels are read in any case") {
  CHECK(litestreamd::parse_level("TRACE") == LogLevel::trace);
  CHECK(litestreamd::parse_level("debug") == LogLevel::debug);
  CHECK(litestreamd::parse_level("warning") == LogLevel::warn);
  CHECK(litestreamd::parse_level("Error") == LogLevel::error);
  CHECK(litestreamd::parse_level("loud") == LogLevel::info);
}

TEST_CASE("the flag beats LOG_LEVEL beats the file") {
  config::LoggingSettings settings;
  settings.level = "error";
  const auto none = [](std::string_view) { return std::optional<std::string>(); };
  const auto debug = [](std::string_view name) {
    return name == "LOG_LEVEL" ? std::optional<std::string>("debug") : std::nullopt;
  };
  CHECK_FALSE(litestreamd::make_log_sink(settings, "", none)->enabled(LogLevel::warn));
  CHECK(litestreamd::make_log_sink(settings, "", debug)->enabled(LogLevel::debug));
  CHECK_FALSE(litestreamd::make_log_sink(settings, "warn", debug)->enabled(LogLevel::info));
}

TEST_CASE("a sink writes whole lines to its descriptor") {
  std::array<int, 2> ends{};
  REQUIRE(::pipe(ends.data()) == 0);
  {
    litestreamd::LogSink sink(LogFormat::text, LogLevel::info, ends[1]);
    sink.log(LogLevel::debug, "unseen");
    sink.log(LogLevel::info, "seen", {{"n", "1"}});
  }
  ::close(ends[1]);
  std::array<char, 256> text{};
  const ssize_t n = ::read(ends[0], text.data(), text.size());
  ::close(ends[0]);
  REQUIRE(n > 0);
  const std::string written(text.data(), static_cast<std::size_t>(n));
  CHECK(written.starts_with("time="));
  CHECK(written.ends_with(" level=INFO msg=seen n=1\n"));
  CHECK(written.find("unseen") == std::string::npos);
}
