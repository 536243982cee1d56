#include "replicator/shipping.hpp"

#include <numeric>
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

Result<void> ship_to_some(engine::Database& database, const std::vector<std::size_t>& numbers, TxId target,
                          const Call& call) {
  std::vector<Result<void>> done(numbers.size());
  const auto ship = [&](std::size_t n) {
    engine::Destination& destination = database.destination(numbers[n]);
    if (destination.durable() >= target) return;
    done[n] = ship_to(destination, target, call);
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

Result<void> ship_to_all(engine::Database& database, TxId target, const Call& call) {
  std::vector<std::size_t> all(database.destinations());
  std::iota(all.begin(), all.end(), std::size_t{0});
  return ship_to_some(database, all, target, call);
}

}  // namespace replica::replicator
