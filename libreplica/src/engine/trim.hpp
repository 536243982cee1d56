// Which local files the destinations need no more. Pure.
#pragma once

#include <span>
#include <vector>

#include "replica/ltx.hpp"

namespace replica::engine {

// What a destination holds, as far as local files go.
struct Holding {
  TxId replicated;   // its position
  TxId covered;      // what it holds in level 1, never beyond its position
  bool met = false;  // its position has been seen
};

// Local files (ascending) up to here may go. With one destination: what it covers. With several: what all of them
// cover, but for the file at each position, which proves later that the next one belongs there. One that lacks a file
// already gets a snapshot, and needs none of them. What only some lack is kept as long as it is no bigger than `budget`
// (the database: then a snapshot is cheaper), so that a dead destination does not fill the disk.
TxId trim_limit(const std::vector<LtxFileInfo>& files, std::span<const Holding> holdings, std::uint64_t budget);

}  // namespace replica::engine
