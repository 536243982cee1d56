// The backend of a replica that is made when it is needed, and given up when its database comes to rest.
#include "config/late_backend.hpp"

#include <atomic>
#include <filesystem>
#include <fstream>
#include <thread>

#include "backend_meter.hpp"
#include "config/stores.hpp"
#include "support/catch.hpp"
#include "support/temp_dir.hpp"

using config::ReplicaSettings;

namespace {

// Notes when backends are made, and passes them on.
class Noting final : public config::Metering {
 public:
  int counters = 0, made = 0;
  std::vector<std::string> expected;

  void expect(std::string_view type) override { expected.emplace_back(type); }
  std::shared_ptr<replica::RequestCounter> counter(std::string_view, const std::string&) override {
    ++counters;
    return std::make_shared<replica::RequestCounter>();
  }
  std::shared_ptr<replica::Backend> watch(std::shared_ptr<replica::Backend> inner,
                                          std::shared_ptr<replica::RequestCounter>) override {
    ++made;
    return inner;
  }
};

ReplicaSettings file_replica(const std::string& root) {
  auto settings = config::replica_at("file://" + root);
  REQUIRE(settings);
  return *settings;
}

void put(replica::Backend& backend, std::string_view key) {
  const std::vector<std::byte> body(10);
  replica::MemorySource source(body);
  REQUIRE(backend.put(key, source, {}, {}));
}

bool has(replica::Backend& backend, std::string_view key) { return backend.stat(key, {}).has_value(); }

}  // namespace

TEST_CASE("a backend is made with the first that is asked, and again after its rest") {
  support::TempDir dir;
  Noting noting;
  const auto backend = config::make_late_backend(*config::kind_named("file").value(), file_replica(dir.path("r")),
                                                 dir.path("a.db"), &noting);
  CHECK(backend->type() == "file");
  backend->rest();
  CHECK(noting.made == 0);
  CHECK(noting.counters == 0);
  put(*backend, "k");
  CHECK(has(*backend, "k"));
  CHECK(noting.made == 1);
  backend->rest();
  CHECK(has(*backend, "k"));
  put(*backend, "l");
  CHECK(noting.made == 2);
  CHECK(noting.counters == 1);
}

TEST_CASE("what is asked of a store counts over the rests of its database") {
  support::TempDir dir;
  const replica::SystemClock clock;
  litestreamd::BackendMeter meter(clock);
  auto backend = config::make_late_backend(*config::kind_named("file").value(), file_replica(dir.path("r")),
                                           dir.path("a.db"), &meter);
  meter.expect("file");
  CHECK(meter.requests_of(dir.path("a.db")).empty());
  CHECK(meter.requests().at("file").total().requests == 0);
  put(*backend, "k");
  backend->rest();
  put(*backend, "l");
  CHECK(meter.requests_of(dir.path("a.db")).at("file")[replica::RequestClass::put].requests == 2);
  backend->rest();
  CHECK(meter.requests_of(dir.path("a.db")).at("file")[replica::RequestClass::put].requests == 2);
  backend.reset();
  CHECK(meter.requests_of(dir.path("a.db")).empty());
  CHECK(meter.requests().at("file")[replica::RequestClass::put].requests == 2);
}

TEST_CASE("calls that are under way when a backend comes to rest go on") {
  support::TempDir dir;
  const auto backend =
      config::make_late_backend(*config::kind_named("file").value(), file_replica(dir.path("r")), {}, nullptr);
  put(*backend, "k");
  std::atomic<bool> over{false};
  std::thread resting([&] {
    while (!over) backend->rest();
  });
  for (int n = 0; n < 200; ++n) {
    std::vector<std::string> seen;
    REQUIRE(backend->list("", "",
                          [&](const replica::ObjectInfo& one) {
                            seen.push_back(one.key);
                            return true;
                          },
                          {}));
    CHECK(seen == std::vector<std::string>{"k"});
  }
  over = true;
  resting.join();
}

TEST_CASE("a late backend says the type that the real one has") {
  for (const char* url : {"file:///r/a", "s3://bucket/a", "gs://bucket/a", "abs://account@container/a",
                          "oss://bucket/a", "sftp://user@host/a", "webdav://host/a", "nats://host/bucket"}) {
    INFO(url);
    auto settings = config::replica_at(url);
    REQUIRE(settings);
    const auto& kind = *config::kind_named(settings->type).value();
    CHECK(config::make_late_backend(kind, *settings, {}, nullptr)->type() == kind.make(*settings, {})->type());
  }
}

TEST_CASE("a late backend has what it is to be made with") {
  support::TempDir dir;
  const auto kept = [&] {
    ReplicaSettings settings = file_replica(dir.path("r"));
    return config::make_late_backend(*config::kind_named("file").value(), settings, dir.path("a.db"), nullptr);
  }();
  REQUIRE(std::ofstream(dir.path("a.db")).put('x'));
  std::filesystem::permissions(dir.path("a.db"), std::filesystem::perms::owner_read |
                                                     std::filesystem::perms::owner_write |
                                                     std::filesystem::perms::group_read);
  put(*kept, "k");
  using std::filesystem::perms;
  CHECK(std::filesystem::status(dir.path("r/k")).permissions() ==
        (perms::owner_read | perms::owner_write | perms::group_read));
}

TEST_CASE("a late backend says where it is, as the settings do, and makes nothing for it") {
  Noting noting;
  for (const char* url :
       {"file:///r/a%20b/c", "s3://bucket/a", "s3://bucket/a?endpoint=http://127.0.0.1:9000", "gs://bucket/a",
        "abs://account@container/a", "oss://bucket/a", "sftp://user@host/a", "webdav://host/a", "nats://host/bucket"}) {
    INFO(url);
    auto settings = config::replica_at(url);
    REQUIRE(settings);
    const auto& kind = *config::kind_named(settings->type).value();
    CHECK_FALSE(settings->location.empty());
    CHECK(config::make_late_backend(kind, *settings, "/a.db", &noting)->url() == settings->location);
    auto watched = replica::make_retrying_backend(config::make_late_backend(kind, *settings, "/a.db", nullptr));
    CHECK(watched->url() == settings->location);
  }
  CHECK(noting.made == 0);
}
