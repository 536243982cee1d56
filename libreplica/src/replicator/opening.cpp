// When a lane or a call may open a database.
#include "replicator/scheduler.hpp"

namespace replica::replicator {
namespace {

// It may turn out to lack something.
bool may_need_it(const engine::Database& database, std::size_t destination) {
  return lacks_something(database, destination) || database.destination(destination).believed();
}

}  // namespace

bool Scheduler::admit(const std::shared_ptr<Entry>& entry, LaneId id, OpenPlaces::Use& use, const Call& call) {
  use = places_.again(entry);
  if (use) return true;
  engine::Database& database = entry->database;
  switch (id.lane) {
    case Lane::tend:
      return false;  // there is no log to keep small
    case Lane::ship:
      if (!may_need_it(database, id.destination)) return true;
      break;
    case Lane::capture:
      // Whether it has to be opened the capture itself finds out. What is to be restored first has to be.
      if (auto rests = stay_at_rest(entry, call); !rests || *rests) return true;
      if (!database.config()->restore_if_not_exists || database.captured()) return true;
      break;
    case Lane::maintain:
      if (database.resting()) return true;  // whether it has to be opened turns out
      break;
  }
  use = places_.enter(entry, id);
  return static_cast<bool>(use);
}

Result<OpenPlaces::Use> Scheduler::open(const std::shared_ptr<Entry>& entry, const Call& call) {
  auto use = places_.enter(entry, call);
  if (!use) return use;
  if (auto r = wake(entry, call); !r) return pass(r);
  return use;
}

Result<Scheduler::Opened> Scheduler::capture(const std::shared_ptr<Entry>& entry, bool to_ship, const Call& call) {
  engine::Database& database = entry->database;
  Opened opened{.use = places_.again(entry), .captured = {}};
  bool lacks = false, may_need = false;
  for (std::size_t n = 0; to_ship && n < database.destinations(); ++n) {
    lacks = lacks || lacks_something(database, n);
    may_need = may_need || may_need_it(database, n);
  }
  if (!opened.use && may_need) {
    auto use = lacks ? open(entry, call) : places_.enter(entry, call);
    if (!use) return pass(use);
    opened.use = std::move(*use);
  }
  for (;;) {
    auto captured = database.capture(call, opened.use.opening());
    if (!captured) return pass(captured);
    opened.captured = *captured;
    // It was being let go of as we came, with something that is still to go up.
    const bool aside = to_ship && database.is_aside();
    if (!captured->left_closed && !aside) break;
    if (!opened.use || !aside) {
      auto use = places_.enter(entry, call);
      if (!use) return pass(use);
      opened.use = std::move(*use);
    }
    if (!aside) continue;
    if (auto r = wake(entry, call); !r) return pass(r);
  }
  if (opened.captured.files > 0) places_.changed(*entry);
  return opened;
}

}  // namespace replica::replicator
