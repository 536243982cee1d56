// What the count of requests says, beside what a server or a store has seen.
#include "replica/requests.hpp"

#include <random>
#include <thread>

#include "engine_fixture.hpp"
#include "replica/backends/azure.hpp"
#include "replica/backends/gcs.hpp"
#include "replica/backends/s3.hpp"
#include "replica/backends/webdav.hpp"
#include "support/scripted_server.hpp"

using namespace engine_fixture;
using support::http_answer;
using support::ScriptedServer;

namespace {

using Numbers = std::vector<std::uint64_t>;  // put, get, list, stat, remove, other, login

Numbers numbers_of(const RequestCounts& counts) {
  Numbers out;
  for (const RequestTally& tally : counts.by_class) out.push_back(tally.requests);
  return out;
}

struct Counted {
  std::shared_ptr<RequestCounter> counter = std::make_shared<RequestCounter>();
  std::shared_ptr<Backend> backend;

  explicit Counted(std::shared_ptr<Backend> inner) : backend(make_counted_backend(std::move(inner), counter)) {}
  Numbers numbers() const { return numbers_of(counter->counts()); }
};

Result<ObjectInfo> put(Backend& backend, std::size_t size, const Call& call = {}) {
  const ByteVector data(size, std::byte{7});
  MemorySource body(data);
  return backend.put("k", body, {}, call);
}

S3Options s3_at(const ScriptedServer& server, std::chrono::milliseconds patience = std::chrono::seconds(30)) {
  return {.bucket = "b",
          .endpoint = server.url(),
          .access_key_id = "AK",
          .secret_access_key = "SK",
          .path_style = true,
          .part_size = std::uint64_t{5} << 20U,
          .concurrency = 2,
          .progress_timeout = patience};
}

std::string stored() { return http_answer("200 OK", "", "ETag: \"e\"\r\n"); }

constexpr std::size_t kLarge = std::size_t{11} << 20U;  // three parts

// An S3 server that knows uploads in parts; `refuse` answers instead, unless it is empty.
std::string s3_answer(const std::string& request, const std::string& refuse = {}) {
  if (!refuse.empty()) return refuse;
  if (request.find("?uploads") != std::string::npos)
    return http_answer("200 OK",
                       "<InitiateMultipartUploadResult><UploadId>u</UploadId></InitiateMultipartUploadResult>");
  if (request.starts_with("POST")) return http_answer("200 OK", "<CompleteMultipartUploadResult/>");
  if (request.starts_with("DELETE")) return http_answer("204 No Content");
  if (request.find("list-type=2") != std::string::npos)
    return http_answer("200 OK", "<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>");
  return request.starts_with("PUT") ? stored() : http_answer("200 OK", "abc");
}

std::string error_body(const std::string& code) {
  return "<?xml version=\"1.0\"?><Error><Code>" + code + "</Code><Message>why</Message></Error>";
}

}  // namespace

TEST_CASE("a store without requests of its own counts its calls") {
  Counted memory(make_memory_backend());
  REQUIRE(put(*memory.backend, 100));
  MemorySink sink;
  REQUIRE(memory.backend->get("k", {}, sink, {}));
  REQUIRE_FALSE(memory.backend->get("none", {}, sink, {}));
  REQUIRE(memory.backend->stat("k", {}));
  REQUIRE(memory.backend->list("", "", [](const ObjectInfo&) { return true; }, {}));
  REQUIRE(memory.backend->remove("k", {}));
  REQUIRE(memory.backend->remove_folders("db", {}));
  CHECK(memory.numbers() == Numbers{1, 2, 1, 1, 1, 1, 0});
  const RequestTally total = memory.counter->counts().total();
  CHECK(total == RequestTally{.requests = 7, .errors = 0, .retries = 0, .bytes_sent = 100, .bytes_received = 100});
}

TEST_CASE("a call that is over asks nothing") {
  Counted memory(make_memory_backend());
  std::stop_source stop;
  stop.request_stop();
  REQUIRE_FALSE(memory.backend->stat("k", {.stop = stop.get_token()}));
  CHECK(memory.counter->counts().total() == RequestTally{});
}

TEST_CASE("each attempt counts, and each but the first as a retry") {
  int failures = 2;
  auto flaky = make_faulty_backend(make_memory_backend(), [&](std::string_view, std::string_view) {
    return failures-- > 0 ? unavailable() : std::nullopt;
  });
  Counted counted(std::move(flaky));
  auto backend = make_retrying_backend(counted.backend, {.wait = [](std::chrono::milliseconds, const Call&) {}});
  REQUIRE(put(*backend, 10));
  const RequestTally puts = counted.counter->counts()[RequestClass::put];
  CHECK(puts == RequestTally{.requests = 3, .errors = 2, .retries = 2, .bytes_sent = 10, .bytes_received = 0});
}

TEST_CASE("what counts in a sum counts in each of its parts") {
  RequestCounter sum;
  RequestCounter one(&sum), other(&sum);
  one.add(RequestClass::put, {.requests = 1, .errors = 0, .retries = 0, .bytes_sent = 5, .bytes_received = 0});
  other.add(RequestClass::get, {.requests = 2, .errors = 1, .retries = 1, .bytes_sent = 0, .bytes_received = 7});
  CHECK(numbers_of(one.counts()) == Numbers{1, 0, 0, 0, 0, 0, 0});
  CHECK(numbers_of(sum.counts()) == Numbers{1, 2, 0, 0, 0, 0, 0});
  CHECK(sum.counts().total() ==
        RequestTally{.requests = 3, .errors = 1, .retries = 1, .bytes_sent = 5, .bytes_received = 7});
}

TEST_CASE("a counter holds every number, small or large") {
  const auto seed = GENERATE(range(1U, 40U));
  INFO("seed " << seed);
  std::mt19937_64 random(seed);
  const auto number = [&](unsigned bits) { return random() % 3 == 0 ? 0 : random() >> (64 - bits); };
  RequestCounter sum, counter(&sum);
  RequestCounts expected;
  const unsigned most = seed % 59 + 1;  // bits
  for (int n = 0; n < 16; ++n) {
    const auto kind = static_cast<RequestClass>(random() % kRequestClasses);
    const RequestTally tally{.requests = number(most / 3 + 1),
                             .errors = number(most / 4 + 1),
                             .retries = number(most / 4 + 1),
                             .bytes_sent = number(most),
                             .bytes_received = number(most)};
    expected[kind] += tally;
    counter.add(kind, tally);
    REQUIRE(counter.counts().by_class == expected.by_class);
  }
  CHECK(sum.counts().by_class == expected.by_class);
}

TEST_CASE("what several threads add all counts") {
  constexpr std::uint64_t kThreads = 4, kTimes = 5'000;
  RequestCounter sum, counter(&sum);
  {
    std::vector<std::jthread> threads;
    threads.reserve(kThreads);
    for (std::uint64_t t = 0; t < kThreads; ++t)
      threads.emplace_back([&] {
        for (std::uint64_t n = 0; n < kTimes; ++n)
          counter.add(RequestClass::put,
                      {.requests = 1, .errors = 0, .retries = 0, .bytes_sent = n, .bytes_received = 0});
      });
  }
  const RequestTally all{.requests = kThreads * kTimes,
                         .errors = 0,
                         .retries = 0,
                         .bytes_sent = kThreads * kTimes * (kTimes - 1) / 2,
                         .bytes_received = 0};
  CHECK(counter.counts().total() == all);
  CHECK(sum.counts().total() == all);
}

TEST_CASE("over HTTP the requests of a call count, as the server sees them") {
  ScriptedServer server([](const std::string& request) { return s3_answer(request); });
  Counted s3(make_s3_backend(s3_at(server)));
  REQUIRE(put(*s3.backend, 3));
  CHECK(s3.numbers() == Numbers{1, 0, 0, 0, 0, 0, 0});
  REQUIRE(put(*s3.backend, kLarge));  // begin, three parts, end
  CHECK(s3.numbers() == Numbers{4, 0, 0, 0, 0, 2, 0});
  REQUIRE(s3.backend->list("", "", [](const ObjectInfo&) { return true; }, {}));
  REQUIRE(s3.backend->remove("k", {}));
  CHECK(s3.numbers() == Numbers{4, 0, 1, 0, 1, 2, 0});
  const RequestCounts counts = s3.counter->counts();
  CHECK(counts.total().requests == server.requests().size());
  CHECK(counts[RequestClass::put].bytes_sent == kLarge + 3);
  CHECK(counts[RequestClass::list].bytes_received > 0);
  CHECK(counts.total().errors == 0);
}

TEST_CASE("a part that is sent again and an upload that is given up are counted") {
  std::atomic<int> parts = 0;
  ScriptedServer server([&](const std::string& request) {
    const bool part = request.find("partNumber=2") != std::string::npos;
    const bool fails = part && ++parts <= 2;
    return s3_answer(request, fails ? http_answer("500 Oh", error_body("InternalError")) : "");
  });
  Counted s3(make_s3_backend(s3_at(server)));
  REQUIRE(put(*s3.backend, kLarge));
  CHECK(s3.numbers() == Numbers{5, 0, 0, 0, 0, 2, 0});
  CHECK(s3.counter->counts()[RequestClass::put].retries == 2);
  CHECK(s3.counter->counts()[RequestClass::put].errors == 2);
  ScriptedServer away([](const std::string& request) {
    const bool part = request.find("partNumber=") != std::string::npos;
    return s3_answer(request, part ? http_answer("503 Slow Down", error_body("SlowDown")) : "");
  });
  Counted busy(make_s3_backend(s3_at(away)));
  REQUIRE_FALSE(put(*busy.backend, kLarge));
  CHECK(busy.counter->counts()[RequestClass::other].requests == 2);  // begun and aborted
  CHECK(busy.counter->counts()[RequestClass::remove].requests == 0);
  // The part beside the one that failed is given up in the middle, where the server may not have noted it yet.
  const std::uint64_t noted = away.requests().size(), counted = busy.counter->counts().total().requests;
  CHECK(counted >= noted);
  CHECK(counted <= noted + 1);
}

TEST_CASE("a server that is not there has seen no request, a silent one has") {
  Counted nobody(make_s3_backend({.bucket = "b",
                                  .endpoint = "http://127.0.0.1:1",
                                  .access_key_id = "AK",
                                  .secret_access_key = "SK",
                                  .path_style = true}));
  REQUIRE_FALSE(nobody.backend->remove("k", {}));
  CHECK(nobody.counter->counts()[RequestClass::remove].requests == 0);
  CHECK(nobody.counter->counts()[RequestClass::remove].errors == 1);
  ScriptedServer server([](const std::string&) { return std::string(ScriptedServer::kSilence); });
  Counted silent(make_s3_backend(s3_at(server, ScriptedServer::kBrief)));
  REQUIRE_FALSE(silent.backend->remove("k", {}));
  CHECK(silent.counter->counts()[RequestClass::remove].requests == 1);
  CHECK(silent.counter->counts()[RequestClass::remove].errors == 1);
}

TEST_CASE("that something is missing is no error, a refusal is") {
  std::string answer = http_answer("404 Not Found", error_body("NoSuchKey"));
  ScriptedServer server([&](const std::string&) { return answer; });
  Counted s3(make_s3_backend(s3_at(server)));
  MemorySink sink;
  REQUIRE_FALSE(s3.backend->get("k", {}, sink, {}));
  CHECK(s3.counter->counts().total().errors == 0);
  answer = http_answer("403 Forbidden", error_body("AccessDenied"));
  REQUIRE_FALSE(s3.backend->get("k", {}, sink, {}));
  CHECK(s3.counter->counts()[RequestClass::get].errors == 1);
}

TEST_CASE("databases that share connections are told apart") {
  ScriptedServer server([](const std::string& request) { return s3_answer(request); });
  RequestCounter sum;
  const auto one = std::make_shared<RequestCounter>(&sum), other = std::make_shared<RequestCounter>(&sum);
  const auto first = make_counted_backend(make_s3_backend(s3_at(server)), one);
  const auto second = make_counted_backend(make_s3_backend(s3_at(server)), other);
  REQUIRE(put(*first, 3));
  REQUIRE(second->remove("k", {}));
  REQUIRE(put(*first, 4));
  CHECK(numbers_of(one->counts()) == Numbers{2, 0, 0, 0, 0, 0, 0});
  CHECK(numbers_of(other->counts()) == Numbers{0, 0, 0, 0, 1, 0, 0});
  CHECK(numbers_of(sum.counts()) == Numbers{2, 0, 0, 0, 1, 0, 0});
  CHECK(server.connections() == 1);
}

TEST_CASE("what other stores ask is of their classes") {
  ScriptedServer server([](const std::string& request) {
    if (request.starts_with("PROPFIND"))
      return http_answer("207 Multi-Status",
                         "<?xml version=\"1.0\"?><D:multistatus xmlns:D=\"DAV:\"><D:response><D:href>" +
                             request.substr(9, request.find(' ', 9) - 9) +
                             "</D:href><D:propstat><D:prop><D:resourcetype><D:collection/></D:resourcetype></D:prop>"
                             "<D:status>HTTP/1.1 200 OK</D:status></D:propstat></D:response></D:multistatus>");
    if (request.find("comp=list") != std::string::npos)
      return http_answer("200 OK", "<EnumerationResults><Blobs/><NextMarker/></EnumerationResults>");
    if (request.starts_with("GET /storage"))
      return http_answer("200 OK", "{\"kind\":\"storage#objects\"}", "Content-Type: application/json\r\n");
    return http_answer("201 Created", "", "ETag: \"e\"\r\n");
  });
  const auto list = [](Backend& backend) { return backend.list("", "", [](const ObjectInfo&) { return true; }, {}); };
  Counted azure(make_azure_backend(
      {.container = "c", .endpoint = server.url(), .sas_token = "sv=1&sig=x", .part_size = std::uint64_t{4} << 20U}));
  REQUIRE(list(*azure.backend));
  REQUIRE(put(*azure.backend, 3));
  REQUIRE(put(*azure.backend, std::size_t{9} << 20U));  // three blocks and their list
  CHECK(azure.numbers() == Numbers{4, 0, 1, 0, 0, 1, 0});
  Counted gcs(make_gcs_backend({.bucket = "b", .endpoint = server.url(), .anonymous = true}));
  REQUIRE(list(*gcs.backend));
  REQUIRE_FALSE(put(*gcs.backend, 3));  // the answer is none of an object
  CHECK(gcs.numbers() == Numbers{1, 0, 1, 0, 0, 0, 0});
  Counted webdav(make_webdav_backend({.url = server.url() + "/dav"}));
  REQUIRE(put(*webdav.backend, 3));  // is the folder there? put aside, moved
  CHECK(webdav.numbers() == Numbers{1, 0, 1, 0, 0, 1, 0});
}

TEST_CASE("credentials are asked for in a class of their own") {
  ScriptedServer server([](const std::string& request) {
    if (request.find("/latest/api/token") != std::string::npos) return http_answer("200 OK", "token");
    if (request.find("security-credentials/ ") != std::string::npos) return http_answer("200 OK", "role");
    if (request.find("security-credentials/role") != std::string::npos)
      return http_answer("200 OK", R"({"AccessKeyId":"A","SecretAccessKey":"S","Token":"T"})");
    return http_answer("204 No Content");
  });
  S3Options options = s3_at(server);
  options.access_key_id = options.secret_access_key = "";
  options.environment = [&](std::string_view name) -> std::optional<std::string> {
    if (name == "AWS_EC2_METADATA_SERVICE_ENDPOINT") return server.url();
    return std::nullopt;
  };
  Counted s3(make_s3_backend(options));
  REQUIRE(s3.backend->remove("k", {}));
  CHECK(s3.numbers() == Numbers{0, 0, 0, 0, 1, 0, 3});
}

TEST_CASE("a database asks for listings at its start, and never again") {
  Fixture f;
  const auto counter = std::make_shared<RequestCounter>();
  f.store.backend = make_counted_backend(f.store.memory, counter);
  const auto listings = [&] { return counter->counts()[RequestClass::list].requests; };
  f.options.levels = {std::chrono::seconds(2), std::chrono::seconds(10)};
  f.options.snapshot_interval = std::chrono::minutes(1);
  f.options.snapshot_retention = std::chrono::minutes(2);
  f.options.l0_retention = std::chrono::seconds(5);
  f.options.l0_retention_check_interval = std::chrono::seconds(1);
  Application app(f.path);
  app.fill(20);
  auto daemon = f.daemon();
  sync(*daemon);
  maintain(*daemon);
  const std::uint64_t at_start = listings();
  CHECK(at_start == kSnapshotLevel + 1);
  for (int second = 0; second < 300; ++second) {
    app.update(second % 20 + 1);
    f.clock.pass(std::chrono::seconds(1));
    sync(*daemon);
    maintain(*daemon);
  }
  const RequestCounts busy = counter->counts();
  CHECK(busy[RequestClass::list].requests == at_start);
  CHECK(busy[RequestClass::put].requests > 300 + 100 + 20);  // files, and what they were compacted to
  CHECK(busy[RequestClass::remove].requests > 200);
  CHECK(busy[RequestClass::stat].requests == 0);
  f.check_equal();
}

TEST_CASE("an idle database asks nothing, whatever time passes") {
  Fixture f;
  const auto counter = std::make_shared<RequestCounter>();
  f.store.backend = make_counted_backend(f.store.memory, counter);
  Application app(f.path);
  app.fill(20);
  auto daemon = f.daemon();
  for (int n = 1; n < 6; ++n) {
    app.update(n);
    sync(*daemon);
    f.clock.pass(std::chrono::seconds(20));
  }
  // Until compaction, the daily snapshot and retention have come to their end.
  for (int hour = 0; hour < 24 * 8; ++hour) {
    f.clock.pass(std::chrono::hours(1));
    sync(*daemon);
    maintain(*daemon);
  }
  const RequestTally settled = counter->counts().total();
  for (int hour = 0; hour < 24 * 30; ++hour) {
    f.clock.pass(std::chrono::hours(1));
    capture(*daemon);
    ship(*daemon);
    maintain(*daemon);
  }
  CHECK(counter->counts().total() == settled);
  f.check_equal();
}

TEST_CASE("a restore asks for one listing a level") {
  Fixture f;
  Application app(f.path);
  app.fill(20);
  auto daemon = f.daemon();
  for (int n = 1; n < 4; ++n) {
    app.update(n);
    sync(*daemon);
  }
  Counted counted(f.store.memory);
  const Replica replica(counted.backend, "db");
  const std::string output = f.dir / "counted.db";
  REQUIRE(restore_database(replica, {}, {.output = output}, {}));
  const RequestCounts counts = counted.counter->counts();
  CHECK(counts[RequestClass::list].requests == kSnapshotLevel + 1);
  CHECK(counts[RequestClass::stat].requests == 0);
  CHECK(counts[RequestClass::put].requests + counts[RequestClass::remove].requests == 0);
}
