// Verified reading of the -wal file. The file carries no locks, so it may be opened and closed at will.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>

#include "io/file.hpp"
#include "replica/wal.hpp"

namespace replica::engine {

// How far the log is known: `frames` frames of one generation, with the running checksum behind them.
struct WalPosition {
  Salts salts;
  std::uint32_t page_size = 0;
  std::uint64_t frames = 0;
  std::optional<WalChecksum> checksum;  // void while frames is 0: then the WAL header's counts
};

// Memory for what is read. A thread has one to spare, so that as a rule it is memory that is in the processor's cache,
// and that the system need not clear.
class ReadBlock {
 public:
  ReadBlock() = default;
  ReadBlock(ReadBlock&& other) noexcept : bytes_(std::move(other.bytes_)), size_(std::exchange(other.size_, 0)) {}
  ReadBlock& operator=(ReadBlock&& other) noexcept {
    std::swap(bytes_, other.bytes_);
    std::swap(size_, other.size_);
    return *this;
  }
  ~ReadBlock();
  MutableBytes room(std::size_t size);
  const std::byte* data() const noexcept { return bytes_.get(); }

 private:
  std::unique_ptr<std::byte[]> bytes_;
  std::size_t size_ = 0;
};

// One thread at a time. The caller holds a pin, so that what it reads does not move.
class WalFile {
 public:
  // not_found when there is no WAL or it is shorter than a header; corrupt when the header is damaged.
  static Result<WalFile> open(const std::string& database_path, io::Gate* gate);

  const WalHeader& header() const noexcept { return header_; }

  // The committed frames from `from` up to `to_frame` (exclusive, at most: as read from the wal-index), cut at the
  // first commit where `max_bytes` is reached (0 = no limit). `corrupt` when the chain of checksums breaks before
  // `to_frame`.
  Result<Changeset> read(const WalPosition& from, std::uint64_t to_frame, std::uint64_t max_bytes);

  // What was committed behind `from` in a generation that has been restarted since, once, under its header
  // `generation`: the frames are still in the file, for the writers of the next generation began at its front.
  // `corrupt` when the file does not show where the generation ended, or the next one has reached `from`. confirm()
  // must follow.
  Result<Changeset> read_rest(const WalHeader& generation, const WalPosition& from);
  // After a read() that no pin kept in its place: confirm() has to tell. The frame before `from` is summed.
  void may_move(const WalPosition& from) { unpinned_ = from; }
  // Behind read_rest() and image(): what they gave was not being overwritten meanwhile. True after a read(): a pin
  // keeps that in its place.
  Result<void> confirm() const;

  // The page image in frame `frame`; from memory when the last read() was small, or a view() took it along.
  Result<void> image(std::uint64_t frame, MutableBytes out) const;
  // The image of the first of `wanted`, until the next read() or view(). Those that follow it in the log as they do
  // here are read in one go with it.
  Result<Bytes> view(std::span<const Changeset::Page> wanted);

  // The running checksum stored with the last of the first `frames` frames (at least 1); `corrupt` when that frame is
  // not of this generation, or unsummed.
  Result<WalChecksum> checksum_behind(std::uint64_t frames) const;

  // Does a generation end before frame `frame`? Nothing but a commit of an older one, or the end of the file, shows it.
  Result<bool> ends_before(std::uint64_t frame, const Salts& generation) const;

 private:
  WalFile(io::File file, const WalHeader& header) : file_(std::move(file)), header_(header) {}
  struct FrameMark {
    Salts salts;
    WalChecksum checksum;
  };
  // What the header of frame `frame` says; nullopt when the file is too short.
  Result<std::optional<FrameMark>> mark_of(std::uint64_t frame) const;
  std::optional<Bytes> kept(std::uint64_t frame) const;  // its image, when it is in block_

  io::File file_;
  WalHeader header_;
  ReadBlock block_;
  std::uint64_t kept_first_ = 0, kept_ = 0;  // the first frame in block_, and how many
  std::optional<WalPosition> unpinned_;      // where read_rest() began
};

}  // namespace replica::engine
