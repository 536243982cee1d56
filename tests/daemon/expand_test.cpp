#include "config/expand.hpp"

#include <unistd.h>

#include "support/catch.hpp"

using config::expand_environment;

namespace {

std::optional<std::string> sample(std::string_view name) {
  if (name == "FOO") return "foo";
  if (name == "FOO_b") return "under";
  if (name == "PID") return "77";
  return std::nullopt;
}

}  // namespace

TEST_CASE("the environment is expanded as the peer does it") {
  struct Row {
    const char *text, *expanded;
  };
  const auto row = GENERATE(values<Row>({{"a $FOO b", "a foo b"},
                                         {"${FOO}", "foo"},
                                         {"[$UNSET][${UNSET}]", "[][]"},
                                         {"$PID ${PID}", "77 77"},
                                         {"[$$]", "[]"},
                                         {"[$1]", "[]"},
                                         {"[$12]", "[2]"},
                                         {"[$*$@$#$!$?$-]", "[]"},
                                         {"[${}]", "[]"},
                                         {"[${FOO:-d}]", "[]"},
                                         {"$ b", "$ b"},
                                         {"end$", "end$"},
                                         {"a ${FOO", "a FOO"},
                                         {"\\$FOO", "\\foo"},
                                         {"$FOO_b", "under"},
                                         {"$FOO-b", "foo-b"},
                                         {"%FOO%", "%FOO%"},
                                         {"$(x)", "$(x)"},
                                         {"", ""}}));
  INFO(row.text);
  CHECK(expand_environment(row.text, sample) == row.expanded);
}

TEST_CASE("the process environment knows our pid") {
  CHECK(config::process_environment("PID") == std::to_string(::getpid()));
  CHECK(config::process_environment("LITESTREAM_SURELY_UNSET") == std::nullopt);
}
