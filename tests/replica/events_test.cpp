// The event bus: order, filters, the bounded ring, resuming.
#include "replica/events.hpp"

#include <atomic>
#include <thread>
#include <vector>

#include "base/glob.hpp"
#include "engine_fixture.hpp"

using namespace engine_fixture;

namespace {

Event made(EventKind kind, std::string path = "/data/a.db", TxId txid = {}) {
  return {.kind = kind, .path = std::move(path), .txid = txid};
}

std::vector<Event> all(const EventBus& bus, const EventFilter& filter = {}) {
  auto batch = bus.read(bus.oldest(), filter, 1'000'000);
  REQUIRE(batch);
  CHECK(batch->next == bus.next());
  return std::move(batch->events);
}

}  // namespace

TEST_CASE("every kind of event has a name of its own") {
  for (std::size_t n = 0; n < kEventKinds; ++n) {
    const auto kind = static_cast<EventKind>(n);
    CHECK_FALSE(name(kind).empty());
    CHECK(parse_event_kind(name(kind)) == kind);
  }
  CHECK_FALSE(parse_event_kind("Added"));
  CHECK_FALSE(parse_event_kind(""));
}

TEST_CASE("events are numbered from 1 without a gap, and carry the time they were published") {
  ManualClock clock;
  EventBus bus(16, &clock);
  CHECK(bus.next() == 1);
  CHECK(all(bus).empty());
  const Timestamp before = clock.now();
  bus.publish(made(EventKind::added));
  clock.pass(std::chrono::milliseconds(250));
  bus.publish(made(EventKind::synced, "/data/b.db", {7}));
  const auto events = all(bus);
  REQUIRE(events.size() == 2);
  CHECK(events[0].seq == 1);
  CHECK(events[0].time == before);
  CHECK(events[1].seq == 2);
  CHECK(events[1].time == before + std::chrono::milliseconds(250));
  CHECK(events[1].kind == EventKind::synced);
  CHECK(events[1].txid == TxId{7});
  CHECK(bus.run().size() == 16);
  CHECK(EventBus().run() != bus.run());
}

TEST_CASE("a filter picks by globs of paths and by kinds") {
  EventBus bus;
  bus.publish(made(EventKind::added, "/data/a.db"));
  bus.publish(made(EventKind::error, "/data/x/b.db"));
  bus.publish(made(EventKind::added, "/other/c.db"));
  const auto numbers = [&](const EventFilter& filter) {
    std::vector<std::uint64_t> seen;
    for (const Event& event : all(bus, filter)) seen.push_back(event.seq);
    return seen;
  };
  using Numbers = std::vector<std::uint64_t>;
  CHECK(numbers({}) == Numbers{1, 2, 3});
  CHECK(numbers({.paths = {"/data/**"}}) == Numbers{1, 2});
  CHECK(numbers({.paths = {"/data/?.db", "/other/c.db"}}) == Numbers{1, 3});
  CHECK(numbers({.kinds = {EventKind::error, EventKind::lagging}}) == Numbers{2});
  CHECK(numbers({.paths = {"/data/**"}, .kinds = {EventKind::added}}) == Numbers{1});
  CHECK(numbers({.paths = {"/nothing"}}).empty());
}

TEST_CASE("globs, and no pattern that takes for ever") {
  const auto matches = [](std::string_view glob, std::string_view text) { return base::matches_glob(glob, text); };
  for (const char* glob : {"**", "/a/b.db", "/a/*", "**.db", "/?/b.db", "/a/b*.db", "/*/*", "/**/b.db", "/a/?.db"}) {
    INFO(glob);
    CHECK(matches(glob, "/a/b.db"));
  }
  for (const char* glob : {"", "*", "/a", "/a/b.d", "?", "*.db", "/*", "/a?b.db", "/a/*c", "/[a]/b.db", "/a/b.db?"}) {
    INFO(glob);
    CHECK_FALSE(matches(glob, "/a/b.db"));
  }
  CHECK(matches("", ""));
  CHECK(matches("**", ""));
  CHECK(matches("*", ""));
  std::string stars;
  for (int n = 0; n < 200; ++n) stars += "*a";
  CHECK_FALSE(matches(stars + "*b", std::string(1000, 'a')));
}

TEST_CASE("the ring is bounded, and who is behind it is told where to go on") {
  EventBus bus(3);
  for (int n = 0; n < 5; ++n) bus.publish(made(EventKind::synced));
  CHECK(bus.oldest() == 3);
  CHECK(bus.next() == 6);
  const auto late = bus.read(2, {}, 10);
  REQUIRE_FALSE(late);
  CHECK(late.error().code == Errc::out_of_range);
  CHECK(late.error().message == "events before 3 are gone");
  const auto early = bus.read(7, {}, 10);
  REQUIRE_FALSE(early);
  CHECK(early.error().message == "there is no event 7 yet");
  const auto end = bus.read(6, {}, 10);
  REQUIRE(end);
  CHECK(end->events.empty());
  CHECK(end->next == 6);
}

TEST_CASE("reading in pieces sees each event once") {
  EventBus bus;
  for (std::uint64_t n = 1; n <= 10; ++n)
    bus.publish(made(n % 2 == 0 ? EventKind::synced : EventKind::compacted, "/a", {n}));
  std::vector<std::uint64_t> seen;
  std::uint64_t from = 1;
  while (from < bus.next()) {
    auto batch = bus.read(from, {.kinds = {EventKind::synced}}, 2);
    REQUIRE(batch);
    REQUIRE(batch->next > from);
    from = batch->next;
    for (const Event& event : batch->events) seen.push_back(event.seq);
  }
  CHECK(seen == std::vector<std::uint64_t>{2, 4, 6, 8, 10});
}

TEST_CASE("many publishers, one order; waiting ends with the event, the deadline or the stop") {
  constexpr std::uint64_t kThreads = 4, kEach = 500;
  EventBus bus;
  std::atomic<std::uint64_t> woken = 0;
  {
    const auto listener = bus.listen([&] { ++woken; });
    std::vector<std::jthread> publishers;
    publishers.reserve(kThreads);
    for (std::uint64_t t = 0; t < kThreads; ++t)
      publishers.emplace_back([&] {
        for (std::uint64_t n = 0; n < kEach; ++n) bus.publish(made(EventKind::synced));
      });
    CHECK(bus.wait(kThreads * kEach, {.deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30)}));
    publishers.clear();
    CHECK(woken == kThreads * kEach);
  }
  bus.publish(made(EventKind::synced));
  CHECK(woken == kThreads * kEach);
  const auto events = all(bus);
  for (std::size_t n = 0; n < events.size(); ++n) REQUIRE(events[n].seq == n + 1);
  CHECK_FALSE(bus.wait(bus.next(), {.deadline = std::chrono::steady_clock::now()}));
  std::stop_source stop;
  std::jthread stopper([&] { stop.request_stop(); });
  CHECK_FALSE(bus.wait(bus.next(), {.stop = stop.get_token()}));
}

TEST_CASE("events come out of the ring as they went in, whatever it holds") {
  for (const std::size_t capacity : {1U, 63U, 64U, 65U, 200U}) {
    ManualClock clock;
    EventBus bus(capacity, &clock);
    std::vector<Event> published;
    for (std::uint64_t n = 1; n <= 300; ++n) {
      Event event = made(static_cast<EventKind>(n % kEventKinds), "/data/" + std::string(n % 90, 'a'), {n});
      if (n % 3 == 0) event.level = static_cast<Level>(n % 10);
      if (n % 4 == 0) event.code = "io", event.detail = std::string(n, 'd');
      if (n % 5 == 0) event.replica = "file:///replica";
      clock.pass(std::chrono::milliseconds(n));
      event.seq = n;
      event.time = clock.now();
      published.push_back(event);
      bus.publish(event);
      const std::size_t kept = std::min<std::size_t>(capacity, published.size());
      CHECK(bus.oldest() == n + 1 - kept);
      if (n % 37 != 0) continue;
      const auto read = all(bus);
      REQUIRE(read.size() == kept);
      for (std::size_t i = 0; i < kept; ++i) {
        const Event& was = published[published.size() - kept + i];
        CHECK((read[i].seq == was.seq && read[i].time == was.time && read[i].kind == was.kind));
        CHECK((read[i].path == was.path && read[i].txid == was.txid && read[i].level == was.level));
        CHECK((read[i].code == was.code && read[i].detail == was.detail && read[i].replica == was.replica));
      }
    }
  }
}
