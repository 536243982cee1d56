// What `request_id` promises: the same call again, sent because its reply was lost, has one effect and one answer. Kept
// in memory: a restart of the daemon forgets.
#pragma once

#include <boost/json/value.hpp>
#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "control/api.hpp"

namespace control {

class RequestMemory {
 public:
  using Outcome = Result<boost::json::value>;
  using TimePoint = std::chrono::steady_clock::time_point;

  static constexpr std::chrono::minutes kKept{10};
  static constexpr std::size_t kMaxOutcomes = 10'000;  // then the oldest go before their time

  // Does `work` the first time, and remembers how it ended unless trying again may end otherwise (a timeout, say).
  // Later calls with the same `id` get that outcome; while the first one runs they wait for it, as long as `call`
  // allows. `what` tells method and parameters: with the same id and something else the reason is `request_id_reused`.
  // What `work` throws is passed on and not remembered.
  Outcome run(const std::string& id, const std::string& what, const Call& call, TimePoint now,
              const std::function<Outcome()>& work);

 private:
  struct Entry {
    std::string what;
    std::optional<Outcome> outcome{};  // none while it runs
  };

  Outcome wait_for(const std::shared_ptr<Entry>& entry, const Call& call, std::unique_lock<std::mutex>& lock);
  void finish(const std::string& id, Entry& entry, std::optional<Outcome> outcome, TimePoint now);
  void forget_old(TimePoint now);

  std::mutex lock_;
  std::condition_variable_any changed_;
  std::map<std::string, std::shared_ptr<Entry>> entries_;
  std::deque<std::pair<TimePoint, std::string>> finished_;  // oldest first
};

}  // namespace control
