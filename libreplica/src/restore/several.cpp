#include "replica/several.hpp"

#include <algorithm>
#include <iterator>
#include <optional>
#include <thread>

namespace replica {
namespace {

// Another replica would not help.
bool is_local(const Error& error) {
  return error.code == Errc::cancelled || error.code == Errc::no_space || error.code == Errc::already_exists ||
         error.code == Errc::busy || error.code == Errc::invalid_argument || error.code == Errc::precondition_failed;
}

Failure none_left(const Ranking& ranking) {
  // Who did not answer may hold it: that is no reason to take the database for one that was never replicated.
  const auto& why = ranking.failed.empty() ? ranking.empty : ranking.failed;
  return fail(why.front().second.code, why.front().second.message, why.front().second.hint);
}

// A file that was listed and is gone may only have been compacted meanwhile: then there is another plan.
Result<RestoreOutcome> restore_planned(const Replica& replica, const RestorePlan& plan, const RestoreTarget& target,
                                       const RestoreOptions& options, const Call& call) {
  auto restored = apply_restore(replica, plan, options, call);
  if (restored || restored.error().code != Errc::not_found) return restored;
  return restore_database(replica, target, options, call);
}

}  // namespace

Ranking rank_replicas(const std::vector<Replica>& replicas, const RestoreTarget& target, const Call& call,
                      std::chrono::milliseconds patience) {
  Call limited = call;
  const auto end = std::chrono::steady_clock::now() + patience;
  if (replicas.size() > 1) limited.deadline = call.deadline ? std::min(*call.deadline, end) : end;
  std::vector<std::optional<Result<RestorePlan>>> plans(replicas.size());
  {
    std::vector<std::jthread> asking;
    for (std::size_t n = 0; n < replicas.size(); ++n)
      asking.emplace_back([&, n] { plans[n].emplace(plan_restore(replicas[n], target, limited)); });
  }
  Ranking ranking;
  for (std::size_t n = 0; n < replicas.size(); ++n) {
    Result<RestorePlan>& plan = *plans[n];
    if (plan) {
      ranking.order.emplace_back(n, std::move(*plan));
    } else {
      auto& others = plan.error().code == Errc::not_found ? ranking.empty : ranking.failed;
      others.emplace_back(n, std::move(plan.error()));
    }
  }
  std::sort(ranking.order.begin(), ranking.order.end(), [](const auto& a, const auto& b) {
    const TxId reached = a.second.max_txid(), other = b.second.max_txid();
    return reached != other ? reached > other : a.first < b.first;
  });
  return ranking;
}

Result<RestoredFrom> restore_ranked(const std::vector<Replica>& replicas, const Ranking& ranking,
                                    const RestoreTarget& target, const RestoreOptions& options, const Call& call,
                                    const ToldOfReplica& told) {
  if (ranking.order.empty()) return none_left(ranking);
  if (told) {
    for (const auto& [number, error] : ranking.failed) told(number, error);
  }
  for (auto next = ranking.order.begin();; ++next) {
    const auto& [number, plan] = *next;
    auto restored = restore_planned(replicas[number], plan, target, options, call);
    if (restored) return RestoredFrom{*restored, number};
    const bool last = std::next(next) == ranking.order.end();
    if (last || is_local(restored.error()) || !call.check("restore")) return pass(restored);
    if (told) told(number, restored.error());
  }
}

Result<RestoredFrom> restore_from_any(const std::vector<Replica>& replicas, const RestoreTarget& target,
                                      const RestoreOptions& options, const Call& call, const ToldOfReplica& told) {
  if (replicas.size() == 1) {
    auto restored = restore_database(replicas.front(), target, options, call);
    if (!restored) return pass(restored);
    return RestoredFrom{*restored, 0};
  }
  if (auto free = check_restore_output(options); !free) return pass(free);
  const Ranking ranking = rank_replicas(replicas, target, call);
  if (auto r = call.check("restore"); !r) return pass(r);
  return restore_ranked(replicas, ranking, target, options, call, told);
}

}  // namespace replica
