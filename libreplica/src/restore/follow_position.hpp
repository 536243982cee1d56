// How far a followed database has come: "<database>-txid", 16 hex digits and a line end, as the peer writes it.
//
// The next position is written to "<database>-txid.tmp" before the database is touched and renamed afterwards. Which of
// the two is true after a crash the database says itself: its change counter is made from the position
// (change_counter).
#pragma once

#include <optional>

#include "io/file.hpp"

namespace replica::restore {

// Bytes 24…27 of the header of a database that follows at `position`. Different for every position of one history, as
// long as it has fewer than 2^32, and not what a writer's plus one makes of it: readers drop their caches, and a
// foreign write shows.
std::uint32_t change_counter(TxId position) noexcept;

class FollowPosition {
 public:
  FollowPosition(const std::string& database, io::Gate* gate)
      : path_(database + "-txid"), next_path_(io::temp_name(path_)), gate_(gate) {}

  const std::string& path() const noexcept { return path_; }
  // None when there is no file, or it says 0. `corrupt` when it holds something else.
  Result<std::optional<TxId>> saved() const { return read(path_); }
  // What a crash left of prepare(); none when there is nothing or it is torn.
  std::optional<TxId> prepared() const;

  Result<void> prepare(TxId next, const io::FileInfo* like);  // durable with the next sync of the directory
  Result<void> commit();
  Result<void> discard() { return io::remove_file(next_path_, gate_); }
  Result<void> remove() { return io::remove_file(path_, gate_); }

 private:
  Result<std::optional<TxId>> read(const std::string& path) const;
  std::string path_, next_path_;
  io::Gate* gate_;
};

}  // namespace replica::restore
