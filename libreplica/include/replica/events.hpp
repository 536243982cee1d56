// What happens to the databases, as numbered events that anybody may follow: a bounded ring that publishers never wait
// for and subscribers pull from, each at its own pace.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "replica/clock.hpp"

namespace replica {

enum class EventKind {
  added,        // registered
  removed,      // forgotten
  started,      // attached and captured from: once a start()
  stopped,      // closed; `code` and `detail` say why the final upload failed, if it did
  synced,       // something was uploaded, and everything captured is durable on the replica up to `txid`
  snapshot,     // a full snapshot up to `txid` is on the replica
  compacted,    // a file of `level` up to `txid` is on the replica
  lagging,      // the oldest change that is not on the replica is older than the limit
  caught_up,    // after `lagging`: nothing is missing any more
  error,        // a step of replication failed: the first time in a row, and whenever the code changes
  restored,     // a missing database was restored from its replica up to `txid`
  auth_failed,  // the store refuses uploads: the credentials or what they permit; once until one succeeds again
};
inline constexpr std::size_t kEventKinds = 12;

// "caught_up"; what is sent and configured.
std::string_view name(EventKind kind) noexcept;
std::optional<EventKind> parse_event_kind(std::string_view name) noexcept;

struct Event {
  std::uint64_t seq = 0;  // from 1, without a gap; set by publish()
  Timestamp time{};       // set by publish()
  EventKind kind{};
  std::string path;
  TxId txid{};
  std::optional<Level> level{};
  std::string code{};     // name of the error's code
  std::string detail{};   // for people; never holds a secret
  std::string replica{};  // name or URL of the one it is about, when the database has several
};

// Globs over paths: * any characters but /, ** also /, ? one. Empty lists match everything.
struct EventFilter {
  std::vector<std::string> paths{};
  std::vector<EventKind> kinds{};
  bool matches(const Event& event) const;
  bool operator==(const EventFilter&) const = default;
};

// Safe from any thread.
class EventBus {
 public:
  static constexpr std::size_t kDefaultCapacity = 8192;

  // `clock`: nullptr = the system's; outlives the bus.
  explicit EventBus(std::size_t capacity = kDefaultCapacity, const Clock* clock = nullptr);
  ~EventBus();
  EventBus(const EventBus&) = delete;
  EventBus& operator=(const EventBus&) = delete;

  // Names this bus among those of other runs of the program: sequence numbers mean something only beside it.
  const std::string& run() const noexcept;
  std::uint64_t next() const;    // number of the next event
  std::uint64_t oldest() const;  // number of the oldest one that can still be read; next() when there is none

  // Waits for no subscriber: when the ring is full the oldest event goes.
  void publish(Event event);

  struct Batch {
    std::vector<Event> events;
    std::uint64_t next = 0;  // where to go on reading
  };
  // The events from number `from` on that match, at most `limit`, without waiting. out_of_range when some of them are
  // gone from the ring already, or `from` lies beyond next().
  Result<Batch> read(std::uint64_t from, const EventFilter& filter, std::size_t limit) const;
  // Waits until there is an event of number `from` or higher, or the Call ends; false in that case.
  bool wait(std::uint64_t from, const Call& call) const;

  // Calls `wake` after every event, on the thread that published it: it must be quick and must not call the bus. No
  // call is under way or comes later once the Listener is gone. The bus must outlive it.
  class Listener {
   public:
    virtual ~Listener() = default;
  };
  std::unique_ptr<Listener> listen(std::function<void()> wake);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace replica
