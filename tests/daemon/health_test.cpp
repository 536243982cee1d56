#include "health.hpp"

#include "support/catch.hpp"

using namespace std::chrono_literals;
using control::HealthQuery;
using litestreamd::judge;
using replica::Timestamp;

namespace {

constexpr Timestamp kStart(10s), kNow(100s);

replica::DatabaseStatus database(std::uint64_t local, std::uint64_t replicated, std::optional<Timestamp> synced) {
  replica::DatabaseStatus status;
  status.path = "/a.db";
  status.state = replica::DatabaseState::open;
  status.local_txid = {local};
  status.replicated_txid = {replicated};
  status.last_sync_at = synced;
  return status;
}

std::string text(const replica::DatabaseStatus& status, const HealthQuery& query) {
  const control::Health health = judge({status}, query, kNow, kStart);
  CHECK(health.ok == (health.text == "ok\n"));
  return health.text;
}

}  // namespace

TEST_CASE("lag counts from the oldest commit that is not durable, or the last moment when all was") {
  const auto lag = [](const replica::DatabaseStatus& s) { return litestreamd::lag_seconds(s, kNow, kStart); };
  CHECK(lag(database(5, 5, Timestamp(40s))) == 0);
  CHECK(lag(database(6, 5, Timestamp(40s))) == 60);
  CHECK(lag(database(1, 0, std::nullopt)) == 90);
  CHECK(lag(database(0, 0, std::nullopt)) == 0);  // nothing was committed yet
  CHECK(lag(database(6, 5, kNow + 1s)) == 0);
  auto quiet_before = database(6, 5, Timestamp(40s));
  quiet_before.behind_since = Timestamp(99s);
  CHECK(lag(quiet_before) == 1);
  auto failed = database(5, 5, Timestamp(40s));
  failed.last_error = replica::Error{replica::Errc::unavailable, "disk gone", {}};
  CHECK(lag(failed) == 60);
}

TEST_CASE("health: errors, lag and readiness of open databases") {
  CHECK(judge({}, {.ready = true}, kNow, kStart).ok);
  const auto well = database(5, 5, Timestamp(40s));
  CHECK(text(well, {.ready = true, .max_lag_seconds = 0}) == "ok\n");
  const auto behind = database(6, 5, Timestamp(40s));
  CHECK(text(behind, {}) == "ok\n");
  CHECK(text(behind, {.max_lag_seconds = 60}) == "ok\n");
  CHECK(text(behind, {.max_lag_seconds = 59.5}) == "/a.db: lags 60.0 s\n");
  const auto fresh = database(0, 0, std::nullopt);
  CHECK(text(fresh, {}) == "ok\n");
  CHECK(text(fresh, {.ready = true}) == "/a.db: not replicated yet\n");
  auto failed = well;
  failed.last_error = replica::Error{replica::Errc::unavailable, "disk gone", {}};
  CHECK(text(failed, {}) == "/a.db: disk gone\n");
  auto refused = failed;
  refused.auth_failed = true;
  CHECK(text(refused, {}) == "/a.db: auth_failed: disk gone\n");
  auto growing = well;  // nothing that is to be there is missing
  growing.retention_error = replica::Error{replica::Errc::permission_denied, "AccessDenied", {}};
  CHECK(text(growing, {.ready = true, .max_lag_seconds = 0}) == "ok\n");
  failed.state = replica::DatabaseState::closed;
  CHECK(text(failed, {.ready = true, .max_lag_seconds = 0}) == "ok\n");
  const control::Health both = judge({behind, well, fresh}, {.ready = true, .max_lag_seconds = 1}, kNow, kStart);
  CHECK(both.text == "/a.db: lags 60.0 s\n/a.db: not replicated yet\n");
}
