// Restoring a database that has several replicas: from the one that reaches furthest, of those that answer.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <utility>
#include <vector>

#include "replica/restore.hpp"

namespace replica {

// What plan_restore() says of each replica.
struct Ranking {
  std::vector<std::pair<std::size_t, RestorePlan>> order;  // of those that fit, furthest first, else as given
  std::vector<std::pair<std::size_t, Error>> failed;       // those that did not answer, or are damaged
  std::vector<std::pair<std::size_t, Error>> empty;        // not_found: nothing there fits
};
inline constexpr std::chrono::seconds kRankPatience{15};

// Asks all at once; who has not answered when `patience` is over has failed, unless it is the only one.
Ranking rank_replicas(const std::vector<Replica>& replicas, const RestoreTarget& target, const Call& call,
                      std::chrono::milliseconds patience = kRankPatience);

struct RestoredFrom {
  RestoreOutcome outcome;
  std::size_t number;  // of the replica
};
using ToldOfReplica = std::function<void(std::size_t number, const Error& error)>;
// Applies the first plan; the next one when that replica cannot be read to the end. `told` of each that failed while
// another may do. Without any plan the error of one that did not answer, else not_found.
Result<RestoredFrom> restore_ranked(const std::vector<Replica>& replicas, const Ranking& ranking,
                                    const RestoreTarget& target, const RestoreOptions& options, const Call& call,
                                    const ToldOfReplica& told = {});
// Checks the output, ranks and restores. With one replica it is restore_database().
Result<RestoredFrom> restore_from_any(const std::vector<Replica>& replicas, const RestoreTarget& target,
                                      const RestoreOptions& options, const Call& call, const ToldOfReplica& told = {});

}  // namespace replica
