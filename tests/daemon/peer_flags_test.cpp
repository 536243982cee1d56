#include "peer/command.hpp"
#include "peer/peer.hpp"
#include "support/catch.hpp"

using litestreamctl::peer::Arguments;
using litestreamctl::peer::Flag;
using litestreamctl::peer::FlagKind;

namespace {

const std::vector<Flag> kFlags{{"wait", FlagKind::boolean}, {"timeout", FlagKind::integer}, {"txid", FlagKind::txid},
                               {"level", FlagKind::level},  {"every", FlagKind::duration},  {"socket"}};

Arguments parsed(const std::vector<std::string>& words) {
  auto args = litestreamctl::peer::parse(kFlags, words);
  INFO((args ? "" : args.error()));
  REQUIRE(args);
  return *args;
}

std::string refused(const std::vector<std::string>& words) {
  auto args = litestreamctl::peer::parse(kFlags, words);
  REQUIRE_FALSE(args);
  return args.error();
}

}  // namespace

TEST_CASE("one dash or two, the value behind it or joined") {
  const Arguments args = parsed({"-wait", "--timeout", "7", "-socket=/a=b", "-level=all", "db", "-wait=false"});
  CHECK(args.is_on("wait"));
  CHECK(args.seconds("timeout", 30) == 7);
  CHECK(args.value("socket") == "/a=b");
  CHECK(args.value("level") == "all");
  CHECK_FALSE(args.has("txid"));
  // Flags end at the first argument.
  CHECK(args.positional() == std::vector<std::string>{"db", "-wait=false"});
  CHECK(parsed({"-wait", "true"}).positional() == std::vector<std::string>{"true"});
  CHECK(parsed({"--", "-wait"}).positional() == std::vector<std::string>{"-wait"});
  CHECK(parsed({"-", "x"}).positional() == std::vector<std::string>{"-", "x"});
  CHECK(parsed({"-socket", "-wait"}).value("socket") == "-wait");
  CHECK(parsed({"-wait", "-wait=F"}).value("wait") == "false");
  CHECK(parsed({}).seconds("timeout", 30) == 30);
  CHECK(parsed({"-timeout", "-5"}).seconds("timeout", 30) == -5);
  for (const char* help : {"-h", "--help", "-help"}) CHECK(parsed({help, "-bad"}).wants_help());
}

TEST_CASE("the texts of Go's flag package") {
  CHECK(refused({"-bad"}) == "flag provided but not defined: -bad");
  CHECK(refused({"--bad=1"}) == "flag provided but not defined: -bad");
  CHECK(refused({"-timeout"}) == "flag needs an argument: -timeout");
  CHECK(refused({"-timeout", "x"}) == "invalid value \"x\" for flag -timeout: parse error");
  CHECK(refused({"-timeout="}) == "invalid value \"\" for flag -timeout: parse error");
  CHECK(refused({"-wait=maybe"}) == "invalid boolean value \"maybe\" for -wait: parse error");
  CHECK(refused({"-txid", "1"}) == "invalid value \"1\" for flag -txid: invalid txid format");
  CHECK(refused({"-every", "x"}) == "invalid value \"x\" for flag -every: parse error");
  CHECK(refused({"-every", "5"}) == "invalid value \"5\" for flag -every: parse error");
  CHECK(parsed({"-every", "1m5s"}).value("every") == "1m5s");
  CHECK(refused({"-level", "10"}) == "invalid value \"10\" for flag -level: level must be between 0 and 9");
  CHECK(refused({"-level", "x"}) == "invalid value \"x\" for flag -level: invalid level: must be 0-9 or \"all\"");
  CHECK(refused({"---x"}) == "bad flag syntax: ---x");
  CHECK(refused({"-=x"}) == "bad flag syntax: -=x");
}

TEST_CASE("the name decides") {
  using litestreamctl::peer::is_peer_name;
  CHECK(is_peer_name("litestream"));
  CHECK(is_peer_name("/usr/bin/litestream"));
  CHECK_FALSE(is_peer_name("litestreamctl"));
  CHECK_FALSE(is_peer_name("/opt/litestream/litestreamctl"));
  CHECK_FALSE(is_peer_name(""));
}
