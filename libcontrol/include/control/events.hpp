// Following what happens: positions, durability, and events as values. Part of api.hpp.
#pragma once

#include <boost/json/fwd.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "control/error.hpp"
#include "control/replica_entry.hpp"

namespace control {

struct PositionParams {
  std::string path;
};

struct PositionResult {
  std::string path;
  std::uint64_t txid = 0;
  std::uint64_t replicated_txid = 0;
  std::uint64_t lag_bytes = 0;
  double lag_seconds = 0;
  std::optional<std::string> last_sync_at{};            // RFC 3339
  std::optional<std::vector<ReplicaEntry>> replicas{};  // as in DatabaseEntry
};

struct WaitParams {
  std::string path;
  std::optional<std::uint64_t> txid{};  // none: everything committed by now
  std::chrono::milliseconds timeout{30'000};
};

struct WaitResult {
  std::string status = "durable";
  std::string path;
  std::uint64_t replicated_txid = 0;
};

struct WatchParams {
  std::vector<std::string> paths{};  // globs
  std::vector<std::string> kinds{};
  std::optional<std::uint64_t> from{};  // none: what happens from now on
  std::optional<std::string> run{};     // the run that `from` belongs to
};

struct WatchResult {
  bool subscribed = true;
  std::string run;
  std::uint64_t next = 0;
};

// One event on the wire: params of the notification "event", data of a server-sent event.
struct EventNotice {
  std::uint64_t seq = 0;
  std::string time;  // RFC 3339
  std::string kind;
  std::string path;
  std::optional<std::uint64_t> txid{};
  std::optional<std::uint64_t> level{};
  std::optional<std::string> code{};
  std::optional<std::string> detail{};
  std::optional<std::string> replica{};  // name or URL, when the database has several
};

// The event as JSON, its members in the order above.
boost::json::object encode_event(EventNotice event);

// One subscription: the server takes from it as fast as its reader does. One thread at a time but for `wake`.
class EventSource {
 public:
  virtual ~EventSource() = default;
  virtual WatchResult subscription() const = 0;
  // What is there, at most `limit` of it, without waiting; fewer than `limit` = that was all. An error ends the stream:
  // the reader is told it as the last thing ("too_slow": events it had not taken yet are gone).
  virtual Result<std::vector<EventNotice>> take(std::size_t limit) = 0;
  // `wake` is called, on any thread, when there may be more to take. It is quick and calls nothing of this. No call is
  // under way or comes later once the source is destroyed. Set once.
  virtual void on_event(std::function<void()> wake) = 0;
};

}  // namespace control
