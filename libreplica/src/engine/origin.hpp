// What a destination is told of the database whose copy it is, and may ask of it.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "engine/scratch_file.hpp"
#include "replica/ltx.hpp"

namespace replica::engine {

// Safe from any thread. Those that take a Call take the lock of capture too.
class Origin {
 public:
  virtual ~Origin() = default;

  virtual const std::string& path() const noexcept = 0;
  virtual std::string scratch_directory() const = 0;
  virtual std::uint64_t max_file_bytes() const noexcept = 0;  // of level 0; 0 = no limit
  virtual bool single() const noexcept = 0;                   // the one who asks is the only destination

  virtual TxId captured() const = 0;
  virtual std::vector<LtxFileInfo> local_files() const = 0;  // level 0, ascending
  // The same, but cancelled while the database is let go of: that there are none must not be concluded then.
  virtual Result<std::vector<LtxFileInfo>> files_to_ship() const = 0;
  virtual Result<std::unique_ptr<Source>> open_local(const LtxFileInfo& file) const = 0;
  virtual Result<LtxHeader> local_header(TxRange range) const = 0;

  // It is let go of, and no file of it is open; it can be opened again.
  virtual bool resting() const = 0;
  // The destination lacks what it was believed to have: the mark does not say any more that all is well with it.
  virtual Result<void> doubt(const Call& call) = 0;
  // And opens it.
  virtual Result<void> wake_for_missing(const Call& call) = 0;

  // Counts the times a destination began anew with a snapshot, after which TXIDs may have been given anew.
  virtual std::uint64_t restarts() const noexcept = 0;
  virtual void note_restart() noexcept = 0;

  // A level-0 file that proved lost. Its TXID is not given again when another destination may have it.
  virtual Result<void> drop_lost(TxRange range, const Call& call) = 0;
  // TXIDs go on behind `position`, which is what a destination holds, if they have not come so far.
  virtual Result<void> overtake(TxId position, const Call& call) = 0;
  // `position` at a destination is of another history: gives up what lies here, and goes on behind all of them with a
  // file that holds every page.
  virtual Result<void> start_anew(TxId position, const Call& call) = 0;
  // The file behind `position` is known to hold every page, whatever it follows.
  virtual bool anew_behind(TxId position) const = 0;
  // The state right now as a scratch file.
  virtual Result<ScratchFile> pin_snapshot(const Call& call) = 0;
  // Removes local files that no destination needs.
  virtual Result<void> trim_local(Timestamp now, const Call& call) = 0;
};

// Of a local file: trying again would not bring it back.
inline bool is_lost(const Error& error) { return error.code == Errc::not_found || error.code == Errc::corrupt; }

}  // namespace replica::engine
