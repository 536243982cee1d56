// Follower::open with a seam for faults.
#pragma once

#include "io/gate.hpp"
#include "replica/follow.hpp"

namespace replica {

struct FollowerAccess {
  // `gate` must outlive the follower.
  static Result<Follower> open(const Replica& replica, FollowOptions options, const Call& call, io::Gate* gate);
};

}  // namespace replica
