#include "descriptors.hpp"

#include <sys/resource.h>

#include <limits>

#include "replica/database.hpp"
#include "support/catch.hpp"

using namespace litestreamd;

TEST_CASE("databases get what sockets, stores and files on their way leave") {
  for (const std::size_t limit : {20U, 256U, 1024U, 65536U, 524288U}) {
    INFO(limit);
    const std::size_t held = databases_within(limit) * replica::kDescriptorsPerDatabase;
    CHECK(held <= limit - std::min<std::size_t>(limit / 2, 128));
    CHECK(held + 512 + replica::kDescriptorsPerDatabase > limit / 2);
  }
  CHECK(databases_within(1) == 1);
  CHECK(databases_within(1024) == 128);
  CHECK(databases_within(std::numeric_limits<std::size_t>::max()) > 1'000'000);
}

TEST_CASE("what is configured counts, as far as there is room") {
  CHECK(open_databases(0, 1024) == databases_within(1024));
  CHECK(open_databases(5, 1024) == 5);
  CHECK(open_databases(100'000, 1024) == databases_within(1024));
}

TEST_CASE("the limit of open files is raised as far as the system lets us") {
  rlimit before{};
  REQUIRE(::getrlimit(RLIMIT_NOFILE, &before) == 0);
  const rlimit low{.rlim_cur = 40, .rlim_max = before.rlim_max};
  REQUIRE(::setrlimit(RLIMIT_NOFILE, &low) == 0);
  CHECK(raise_descriptor_limit() == before.rlim_max);
  rlimit after{};
  REQUIRE(::getrlimit(RLIMIT_NOFILE, &after) == 0);
  CHECK(after.rlim_cur == before.rlim_max);
  REQUIRE(::setrlimit(RLIMIT_NOFILE, &before) == 0);
}
