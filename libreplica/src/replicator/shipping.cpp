#include "replicator/shipping.hpp"

#include <thread>
#include <vector>

#include "base/text.hpp"

namespace replica::replicator {
namespace {

Result<void> ship_to(engine::Destination& destination, TxId target, const Call& call) {
  while (destination.durable() < target) {
    auto shipped = destination.ship(call);
    if (!shipped && destination.label().empty()) return pass(shipped);
    if (!shipped) return pass(shipped, base::concat("replica ", destination.label()));
  }
  return {};
}

}  // namespace

Result<void> ship_to_all(engine::Database& database, TxId target, const Call& call) {
  std::vector<Result<void>> done(database.destinations());
  const auto ship = [&](std::size_t n) {
    if (database.destination(n).durable() >= target) return;
    done[n] = ship_to(database.destination(n), target, call);
    if (done[n]) database.note_uploaded();
  };
  {
    std::vector<std::jthread> others;
    for (std::size_t n = 1; n < done.size(); ++n) others.emplace_back([&ship, n] { ship(n); });
    if (!done.empty()) ship(0);
  }
  for (auto& one : done) {
    if (!one) return one;
  }
  return {};
}

}  // namespace replica::replicator
