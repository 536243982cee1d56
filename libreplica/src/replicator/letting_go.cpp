#include "replicator/letting_go.hpp"

#include <algorithm>

#include "replicator/shipping.hpp"
#include "replicator/stopping.hpp"

namespace replica::replicator {
namespace {

using std::chrono::milliseconds;
using SteadyClock = std::chrono::steady_clock;

constexpr milliseconds kLook{20};
// For what is committed between the last look and the end of the lanes. Its other replicas stand still meanwhile.
constexpr milliseconds kLastUpload{2000};

std::vector<std::size_t> numbers_of(const engine::Database& database, const std::vector<std::string>& urls) {
  std::vector<std::size_t> numbers;
  for (std::size_t n = 0; n < database.destinations(); ++n) {
    const std::string& url = database.destination(n).url();
    if (std::find(urls.begin(), urls.end(), url) != urls.end()) numbers.push_back(n);
  }
  return numbers;
}

// The Call with an end of its own.
Call within(milliseconds time, Call call) {
  const auto end = SteadyClock::now() + time;
  call.deadline = call.deadline ? std::min(*call.deadline, end) : end;
  return call;
}

SteadyClock::time_point limit_of(milliseconds patience, const Call& call) {
  const auto now = SteadyClock::now();
  return call.deadline ? std::min(now + patience, now + (*call.deadline - now) / 2) : now + patience;
}

}  // namespace

Departure::Departure(Scheduler& scheduler, std::shared_ptr<Entry> entry, const std::vector<std::string>& replicas)
    : scheduler_(&scheduler), entry_(std::move(entry)), leaving_(numbers_of(entry_->database, replicas)) {
  {
    const std::lock_guard guard(entry_->lock);
    capture_ = entry_->captures_begun + 1;
  }
  if (!leaving_.empty()) scheduler_->request(entry_, Lane::capture, scheduler_->next_capture(*entry_));
}

// False while the capture is under way. After one that failed what was captured before is still to go up.
bool Departure::find_target() {
  if (target_) return true;
  {
    const std::lock_guard guard(entry_->lock);
    const bool over = entry_->captures_begun >= capture_ && !entry_->capture.running;
    if (entry_->captures_done < capture_ && !over) return false;
  }
  target_ = entry_->database.captured();
  for (const std::size_t n : leaving_) scheduler_->request_now(entry_, {Lane::ship, n});
  return true;
}

bool Departure::is_settled() {
  {
    const std::lock_guard guard(entry_->lock);
    if (entry_->phase == Phase::closing) return false;
    if (entry_->phase == Phase::closed || leaving_.empty()) return settled_ = true;
  }
  const bool captured = find_target();
  const std::lock_guard guard(entry_->lock);
  const auto is_done = [&](std::size_t n) {
    return entry_->destinations[n].ship.failures > 0 ||
           (captured && entry_->database.destination(n).durable() >= *target_);
  };
  return settled_ = std::all_of(leaving_.begin(), leaving_.end(), is_done);
}

// Without the store: a database that is not attached may need it for that.
void Departure::capture_last(const Call& call) {
  engine::Database& database = entry_->database;
  if (database.status().ready) {
    auto captured = scheduler_->capture(entry_, true, call);
    if (!captured) failure_ = std::move(captured.error());
    if (captured) use_ = std::move(captured->use);
  } else {
    const std::lock_guard guard(entry_->lock);
    failure_ =
        entry_->start_error ? *entry_->start_error : Error{Errc::timed_out, "the database was not opened yet", {}};
  }
  if (failure_ && failure_->code == Errc::not_found) failure_.reset();  // no file: what was captured before counts
}

// Who has not come so far by now is given up.
void Departure::upload_last(const Call& call) {
  engine::Database& database = entry_->database;
  std::vector<std::size_t> sound;
  for (const std::size_t n : leaving_) {
    if (target_ && database.destination(n).durable() >= *target_) sound.push_back(n);
  }
  const Call last = within(kLastUpload, call);
  capture_last(last);
  std::ignore = ship_to_some(database, sound, database.captured(), last);  // left_behind() tells
}

std::vector<LeftBehind> Departure::left_behind() const {
  const engine::Database& database = entry_->database;
  std::vector<LeftBehind> left;
  for (const std::size_t n : leaving_) {
    const engine::Destination& one = database.destination(n);
    if (one.durable() >= database.captured() && !failure_) continue;
    LeftBehind lacks{.replica = one.url(), .replicated = one.replicated(), .captured = database.captured()};
    if (const auto noted = one.last_error()) lacks.error = noted->error;
    if (!lacks.error) lacks.error = failure_;
    left.push_back(std::move(lacks));
  }
  return left;
}

Result<std::vector<LeftBehind>> Departure::close(const Call& call) {
  if (!begin_closing(*scheduler_, entry_)) {
    const std::lock_guard guard(entry_->lock);
    if (entry_->phase == Phase::closing) return fail(Errc::busy, "database is being stopped: " + path());
    return std::vector<LeftBehind>{};
  }
  upload_last(call);
  auto left = leaving_.empty() ? std::vector<LeftBehind>{} : left_behind();
  entry_->database.close();
  use_ = {};
  scheduler_->settle(*entry_);
  finish_closing(*entry_, Phase::closed);
  const bool lacking = !left.empty() && left.front().error;
  tell_stopped(*scheduler_, entry_->database, lacking ? &*left.front().error : nullptr);
  return left;
}

void let_go(std::vector<Departure> databases, milliseconds patience, const Replicator::Closed& closed,
            const Call& call) {
  const auto limit = limit_of(patience, call);
  while (!databases.empty()) {
    const auto ended = call.check("stop");
    const bool late = SteadyClock::now() >= limit;
    std::erase_if(databases, [&](Departure& one) {
      if (ended && !late && !one.is_settled()) return false;
      closed(one.path(), ended ? one.close(call) : Failure(ended.error()));
      return true;
    });
    if (!databases.empty()) pause_for(kLook, call);
  }
}

}  // namespace replica::replicator
