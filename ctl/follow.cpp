#include "follow.hpp"

#include <algorithm>
#include <condition_variable>
#include <mutex>

#include "config/duration.hpp"

namespace litestreamctl {

using replica::Errc;
using replica::LogField;
using replica::LogLevel;
using std::chrono::milliseconds;

namespace {

constexpr milliseconds kLongestPause{30'000};
constexpr milliseconds kSameErrorAgain{60'000};

void wait_for(milliseconds pause, const replica::Call& call) {
  std::mutex mutex;
  std::condition_variable_any stopped;
  std::unique_lock lock(mutex);
  stopped.wait_for(lock, call.stop, pause, [] { return false; });
}

const char* reason_of(replica::Reseed reseed) {
  switch (reseed) {
    case replica::Reseed::none:
      return "";
    case replica::Reseed::gap:
      return "the files that continue from here are gone from the replica";
    case replica::Reseed::rewritten:
      return "the replica has another history than the database";
    case replica::Reseed::changed:
      return "somebody else has written to the database";
  }
  return "";
}

// Names database and replica in each line, as the peer does.
class Teller {
 public:
  Teller(replica::Logger& log, const FollowRun& run, std::string_view type) : log_(&log) {
    const std::size_t slash = run.database.rfind('/');
    if (!run.database.empty())
      common_.push_back({"db", run.database.substr(slash == std::string::npos ? 0 : slash + 1)});
    common_.push_back({"replica", std::string(type)});
  }
  void tell(LogLevel level, std::string_view message, std::initializer_list<LogField> more = {}) {
    std::vector<LogField> fields = common_;
    fields.insert(fields.end(), more.begin(), more.end());
    if (log_->enabled(level)) log_->write(level, message, fields);
  }
  void applied(const replica::FollowStep& step) {
    const auto from = step.from.text(), to = step.to.text();
    if (step.reseed == replica::Reseed::none)
      tell(LogLevel::info, "follow: applied updates", {{"from_txid", from}, {"to_txid", to}});
    else
      tell(LogLevel::warn, "follow: restored anew in place",
           {{"from_txid", from}, {"to_txid", to}, {"reason", reason_of(step.reseed)}});
  }
  void failed(const replica::Error& error) {
    const auto now = replica::SystemClock().steady();
    if (error.message == last_error_ && now < quiet_until_) return;
    last_error_ = error.message;
    quiet_until_ = now + kSameErrorAgain;
    const bool waits = error.code == Errc::busy;
    tell(waits ? LogLevel::warn : LogLevel::error, "follow: error applying updates", {{"error", error.message}});
  }
  void worked() {
    if (!std::exchange(last_error_, {}).empty()) tell(LogLevel::info, "follow: going on after an error");
  }

 private:
  replica::Logger* log_;
  std::vector<LogField> common_;
  std::string last_error_;
  replica::Clock::Steady quiet_until_{};
};

}  // namespace

milliseconds pause_after(const replica::Error& error, int failures, milliseconds interval) {
  if (error.code == Errc::busy) return interval;
  milliseconds pause = interval;
  for (int i = 0; i < failures && pause < kLongestPause; ++i) pause *= 2;
  pause = std::max(interval, std::min(pause, kLongestPause));
  return error.retry_after ? std::max<milliseconds>(pause, *error.retry_after) : pause;
}

replica::Result<void> follow(replica::Follower& follower, const replica::Replica& replica, const FollowRun& run,
                             replica::Logger& log, const replica::Call& call) {
  Teller teller(log, run, replica.type());
  teller.tell(LogLevel::info, "entering follow mode",
              {{"output", run.output},
               {"txid", follower.position().text()},
               {"interval", config::format_duration(run.interval)}});
  int failures = 0;
  while (call.check("follow")) {
    const auto step = follower.apply_new(call);
    milliseconds pause = run.interval;
    if (step) {
      teller.worked();
      failures = 0;
      if (step->from != step->to) teller.applied(*step);
      if (step->more) pause = {};
    } else if (call.check("follow")) {
      if (step.error().code == Errc::precondition_failed) return replica::Failure(step.error());
      teller.failed(step.error());
      pause = pause_after(step.error(), ++failures, run.interval);
    }
    wait_for(pause, call);
  }
  teller.tell(LogLevel::info, "follow mode stopped");
  return {};
}

}  // namespace litestreamctl
