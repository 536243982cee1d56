#include "cli/flags.hpp"

#include <array>

#include "support/catch.hpp"

using cli::parse;
using namespace std::chrono_literals;

namespace {

constexpr std::array kFlags{cli::Flag{"socket", "PATH", "the socket"}, cli::Flag{"wait", "", "wait for it"}};

replica::Result<cli::Arguments> read(std::vector<std::string> words) { return parse(kFlags, words); }

}  // namespace

TEST_CASE("flags take one dash or two, with or without an equals sign") {
  const auto words = GENERATE(values<std::vector<std::string>>({{"-socket", "/s", "-wait", "a.db"},
                                                                {"--socket", "/s", "--wait", "a.db"},
                                                                {"-socket=/s", "-wait=true", "a.db"},
                                                                {"--socket=/s", "--wait=1", "a.db"},
                                                                {"a.db", "-socket", "/s", "-wait"},
                                                                {"-wait", "a.db", "--socket=/s"}}));
  const auto args = read(words);
  REQUIRE(args);
  CHECK(args->value("socket") == "/s");
  CHECK(args->is_on("wait"));
  CHECK(args->positional() == std::vector<std::string>{"a.db"});
  CHECK_FALSE(args->wants_help());
}

TEST_CASE("a switch may be turned off and the last one counts") {
  CHECK_FALSE(read({"-wait=false"})->is_on("wait"));
  CHECK(read({"-wait=false"})->has("wait"));
  CHECK_FALSE(read({})->has("wait"));
  CHECK(read({"-wait=0", "-wait"})->is_on("wait"));
  CHECK(read({"-socket", "a", "-socket", "b"})->value("socket") == "b");
  CHECK(read({"-socket="})->has("socket"));
  CHECK(read({"-socket=a=b"})->value("socket") == "a=b");
}

TEST_CASE("arguments that look like flags stand behind two dashes") {
  CHECK(read({"--", "-x", "-wait"})->positional() == std::vector<std::string>{"-x", "-wait"});
  CHECK(read({"-"})->positional() == std::vector<std::string>{"-"});
}

TEST_CASE("wrong flags are named") {
  CHECK(read({"-bad"}).error().message == "flag provided but not defined: -bad");
  CHECK(read({"--bad=1"}).error().message == "flag provided but not defined: -bad");
  CHECK(read({"-socket"}).error().message == "flag needs an argument: -socket");
  CHECK(read({"-wait=maybe"}).error().message == "invalid boolean value \"maybe\" for -wait");
}

TEST_CASE("help is asked for in any of the usual ways") {
  const std::string word = GENERATE("-h", "-help", "--help");
  CHECK(read({"a", word})->wants_help());
}

TEST_CASE("help shows name, arguments, summary and flags") {
  const std::string text = cli::help({"litestreamctl start", "DB_PATH", "Start it.", kFlags});
  CHECK(text ==
        "Usage: litestreamctl start [OPTIONS] DB_PATH\n\nStart it.\n\nOptions:\n"
        "  -socket PATH              the socket\n"
        "  -wait                     wait for it\n");
}

TEST_CASE("a timeout is a number of seconds or a duration") {
  CHECK(cli::parse_seconds("30").value() == 30s);
  CHECK(cli::parse_seconds("0.5").value() == 500ms);
  CHECK(cli::parse_seconds("2m").value() == 2min);
  CHECK(cli::parse_seconds("0").error().message == "timeout must be greater than 0");
  CHECK(cli::parse_seconds("-1s").error().message == "timeout must be greater than 0");
  CHECK(cli::parse_seconds("soon").error().message == "invalid timeout \"soon\"");
  CHECK(cli::parse_seconds("").error().message == "invalid timeout \"\"");
}

TEST_CASE("commands are split as a shell would, without expansion") {
  struct Row {
    const char* text;
    std::vector<std::string> words;
  };
  const auto row = GENERATE(values<Row>({{"a b  c", {"a", "b", "c"}},
                                         {"  ", {}},
                                         {"'a b' \"c d\"", {"a b", "c d"}},
                                         {"a'b'c", {"abc"}},
                                         {"'' x", {"", "x"}},
                                         {"a\\ b", {"a b"}},
                                         {"\"a\\\"b\\n\"", {"a\"b\\n"}},
                                         {"'a\\'", {"a\\"}},
                                         {"sh -c 'exit 3'", {"sh", "-c", "exit 3"}},
                                         {"$HOME", {"$HOME"}}}));
  INFO(row.text);
  CHECK(cli::split_words(row.text).value() == row.words);
}

TEST_CASE("a command with an open quote is refused") {
  CHECK(cli::split_words("a 'b").error().message == "no closing '");
  CHECK(cli::split_words("a \"b").error().message == "no closing \"");
  CHECK(cli::split_words("a \\").error().message == "nothing after the last backslash");
}

TEST_CASE("an error is printed with its hint") {
  CHECK(cli::describe({replica::Errc::io, "it broke", "mend it"}) == "Error: it broke\nHint: mend it\n");
  CHECK(cli::describe({replica::Errc::io, "it broke"}) == "Error: it broke\n");
}
