// Which replicas leave in a reload, and which databases wait for that.
#include "service/reload_plan.hpp"

#include "support/catch.hpp"

using litestreamd::ReloadStep;
using Kind = ReloadStep::Kind;
using Places = std::vector<std::string>;

namespace {

config::DatabaseSettings database(const std::string& path, const Places& places) {
  config::DatabaseSettings made;
  made.path = path;
  for (const std::string& place : places) {
    config::ReplicaSettings one;
    one.location = place;
    if (made.replica) {
      made.replicas.push_back(one);
    } else {
      made.replica = one;
    }
  }
  return made;
}

}  // namespace

TEST_CASE("replicas leave that the new settings do not have, all when the database is not to start") {
  auto next = database("/a", {"s3://b/a", "file:///r"});
  CHECK(litestreamd::leaving_places({"file:///r", "sftp://h/a"}, next) == Places{"sftp://h/a"});
  CHECK(litestreamd::leaving_places({"s3://b/a"}, next).empty());
  next.enabled = false;
  CHECK(litestreamd::leaving_places({"file:///r"}, next) == Places{"file:///r"});
}

TEST_CASE("a database that gets another's replica waits until that has left it") {
  const auto a = database("/a", {"file:///1", "file:///2"}), b = database("/b", {"file:///3"}),
             c = database("/c", {"file:///4"});
  std::vector<ReloadStep> steps{
      {.kind = Kind::renew, .path = "/a", .settings = &a, .closes = true, .leaving = {"file:///3"}},
      {.kind = Kind::renew, .path = "/b", .settings = &b},
      {.kind = Kind::renew, .path = "/c", .settings = &c, .closes = true, .leaving = {"file:///4"}},
      {.kind = Kind::forget, .path = "/d", .closes = true, .leaving = {"file:///2"}}};
  litestreamd::order_steps(steps);
  CHECK(steps[0].waits);        // for /d
  CHECK(steps[1].waits);        // for /a
  CHECK_FALSE(steps[2].waits);  // what it leaves itself
  CHECK_FALSE(steps[3].waits);
}
