// The destinations of a database, one after another.
#include "engine/database.hpp"

namespace replica::engine {

Result<void> Database::each(const std::function<Result<void>(Destination&)>& step) {
  Result<void> first;
  for (const auto& one : destinations_) {
    auto done = step(*one);
    if (!done && first) first = one->label().empty() ? std::move(done) : pass(done, "replica " + one->label());
  }
  return first;
}

Result<TxId> Database::ship(const Call& call) {
  if (destinations_.empty()) return fail(Errc::precondition_failed, "database has no replica");
  auto shipped = each([&](Destination& one) {
    auto done = one.ship(call);
    if (done) note_uploaded();
    return done ? Result<void>{} : Result<void>(pass(done));
  });
  if (!shipped) return pass(shipped);
  return replicated();
}

Result<void> Database::maintain(const Call& call) {
  return each([&](Destination& one) { return one.maintain(call); });
}

Result<TxId> Database::snapshot(const Call& call) {
  if (destinations_.empty()) return fail(Errc::precondition_failed, "database has no replica");
  TxId least;
  auto written = each([&](Destination& one) -> Result<void> {
    auto done = one.snapshot(call);
    if (!done) return pass(done);
    least = least ? std::min(least, *done) : *done;
    return {};
  });
  if (!written) return pass(written);
  return least;
}

Result<void> Database::enforce_retention(const Call& call) {
  if (destinations_.empty()) return fail(Errc::precondition_failed, "database has no replica");
  return each([&](Destination& one) { return one.enforce_retention(call); });
}

std::optional<Timestamp> Database::next_maintenance() {
  std::optional<Timestamp> soonest;
  for (const auto& one : destinations_) {
    const auto next = one->next_maintenance();
    if (next && (!soonest || *next < *soonest)) soonest = next;
  }
  return soonest;
}

}  // namespace replica::engine
