// The NATS backend against nats-server: the exam, who is let in, and what is left behind.
#include "nats_server.hpp"

#include "backend/nats/bucket.hpp"

using namespace replica;
using namespace servers;

namespace {

std::string stat_error(const NatsBackendOptions& options) {
  const auto backend = make_nats_backend(options);
  return error_of(backend->stat("missing", {}));
}

constexpr const char* kLetIn = "not_found: object missing does not exist";

// Messages in the bucket's stream.
std::uint64_t messages(const NatsBackendOptions& options) {
  auto connection = backend::nats::Connection::open(options, {});
  REQUIRE(connection);
  auto answer = (*connection)->request("$JS.API.STREAM.INFO.OBJ_" + options.bucket, "", {});
  REQUIRE(answer);
  const std::string text(backend::nats::text_of(*answer));
  const auto at = text.find("\"messages\":");
  REQUIRE(at != std::string::npos);
  return std::stoull(text.substr(at + 11));
}

}  // namespace

TEST_CASE("NATS passes the exam") {
  if (skipped_without(kNats)) return;
  Nats nats;
  sit_exam(*make_nats_backend(nats.options()));
  CHECK(messages(nats.options()) == 0);
}

TEST_CASE("a NATS bucket that is missing is an error, unless it is to be made") {
  if (skipped_without(kNats)) return;
  Nats nats;
  auto options = nats.options();
  options.create_bucket = false;
  auto refused = make_nats_backend(options)->stat("missing", {});
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == Errc::invalid_argument);
  CHECK(refused.error().hint.find("nats object add") != std::string::npos);
  CHECK(stat_error(nats.options()) == kLetIn);
  CHECK(stat_error(options) == kLetIn);
}

TEST_CASE("NATS takes user and password, or a token, and tells without them what is wrong") {
  if (skipped_without(kNats)) return;
  const bool by_token = GENERATE(false, true);
  Nats nats(by_token ? "authorization { token: \"s3cret\" }" : "authorization { user: me, password: \"s3cret\" }");
  auto options = nats.options();
  options.user = by_token ? "" : "me";
  (by_token ? options.token : options.password) = "s3cret";
  CHECK(stat_error(options) == kLetIn);
  (by_token ? options.token : options.password) = "guessed";
  auto refused = make_nats_backend(options)->stat("missing", {});
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == Errc::permission_denied);
  CHECK_FALSE(refused.error().hint.empty());
  CHECK((refused.error().message + refused.error().hint).find("guessed") == std::string::npos);
}

TEST_CASE("a NATS user who may not is told at once") {
  if (skipped_without(kNats)) return;
  Nats nats(
      "authorization { users: [ {user: all, password: a}, {user: few, password: b, permissions: { publish: { deny: "
      "[\"$O.backups.C.>\"] } } } ] }");
  auto options = nats.options();
  options.user = "all", options.password = "a";
  CHECK(stat_error(options) == kLetIn);
  options.user = "few", options.password = "b";
  const auto backend = make_nats_backend(options);
  const std::vector<std::byte> data(1000);
  MemorySource body(data);
  auto put = backend->put("a", body, {}, {});
  CHECK(error_of(put).starts_with("permission_denied: nats 127.0.0.1:"));
  CHECK(error_of(backend->stat("a", {})) == "not_found: object a does not exist");
}
