// The whole database as it stands at one position: the file overlaid with the WAL's frames.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "engine/pin.hpp"
#include "engine/wal_file.hpp"

namespace replica::engine {

// Views a pin, which must stay open and outlive it. One thread at a time. Memory: 16 bytes for each page in the WAL and
// a read-ahead block.
class DatabaseImage {
 public:
  static Result<DatabaseImage> open(Pin& pin, const std::string& path, io::Gate* gate);

  std::uint32_t page_size() const noexcept { return position_.page_size; }
  std::uint32_t commit() const noexcept { return commit_; }           // pages; 0 = an empty database
  const WalPosition& position() const noexcept { return position_; }  // the state this is
  bool is_unrecoverable() const noexcept { return unrecoverable_; }   // unsummed frames were read

  // Page 1…commit(); zeros where the file is shorter than the database. Fastest in ascending order.
  Result<void> read(PageNo page, MutableBytes out);

  // False when the WAL was restarted while we read, which can happen once after a pin opened: everything read is void.
  Result<bool> still_valid();

 private:
  DatabaseImage(Pin& pin, std::string path) : pin_(&pin), path_(std::move(path)) {}
  Result<void> locate(const wal::WalIndexHeader& index, io::Gate* gate);
  Result<void> read_from_file(PageNo page, MutableBytes out);
  Pin* pin_;
  std::string path_;
  WalPosition position_;
  std::uint32_t commit_ = 0;
  bool unrecoverable_ = false;
  std::optional<WalFile> wal_;
  std::vector<Changeset::Page> in_wal_;  // ascending by page
  std::size_t next_in_wal_ = 0;
  std::vector<std::byte> ahead_;
  std::uint64_t ahead_offset_ = 0;
};

}  // namespace replica::engine
