// SQLite write-ahead log, bytes to verified frames. Pure: no file is opened here.
// Format: https://www.sqlite.org/fileformat2.html#the_write_ahead_log
#pragma once

#include <optional>
#include <vector>

#include "replica/types.hpp"

namespace replica {

inline constexpr std::uint64_t kWalHeaderSize = 32;
inline constexpr std::uint64_t kWalFrameHeaderSize = 24;

constexpr std::uint64_t wal_frame_size(std::uint32_t page_size) noexcept { return kWalFrameHeaderSize + page_size; }
// Offset of the frame with the 0-based index `frame`.
constexpr std::uint64_t wal_offset(std::uint64_t frame, std::uint32_t page_size) noexcept {
  return kWalHeaderSize + frame * wal_frame_size(page_size);
}

struct WalChecksum {
  std::uint32_t s0 = 0, s1 = 0;
  bool operator==(const WalChecksum&) const = default;
};

// Runs SQLite's checksum on over `data` (a multiple of 8 bytes), words in the given byte order.
WalChecksum wal_checksum(bool big_endian, WalChecksum seed, Bytes data) noexcept;

struct WalHeader {
  bool big_endian_checksum = false;
  std::uint32_t page_size = 0;
  std::uint32_t sequence = 0;
  Salts salts;
  WalChecksum checksum;  // what the first frame's checksum continues from
};

// `corrupt` for a bad magic, version, page size or checksum; also when shorter than 32 bytes.
Result<WalHeader> parse_wal_header(Bytes bytes);

struct WalFrame {
  PageNo page = 0;
  std::uint32_t commit = 0;  // database size in pages after a commit frame, else 0
  // Running checksum up to and including this frame; nullopt where SQLite left the frame unsummed.
  std::optional<WalChecksum> checksum;
  Bytes image;  // page_size bytes, a view into what was given to next()
};

// Walks frames in order. A frame is accepted only when its salts are those of the header and the
// running checksum matches; the first one that is not ends the valid part of the log.
class WalDecoder {
 public:
  explicit WalDecoder(const WalHeader& header) noexcept : header_(header), checksum_(header.checksum) {}
  // Continues behind `frames` accepted frames whose running checksum was `checksum` (nullopt = not known).
  WalDecoder(const WalHeader& header, std::uint64_t frames, std::optional<WalChecksum> checksum) noexcept
      : header_(header), checksum_(checksum), frames_(frames) {}

  // Also accepts frames whose salts and checksum are all zero, and behind them one frame with the right salts whatever
  // its checksum. SQLite before 3.50 leaves committed frames so when a transaction rewrote a frame it had spilled and
  // then rolled back to a savepoint before it: the running checksum then starts again from what was last written behind
  // the end of the log (docs/capture.md). Only the wal-index tells that such frames count: for callers that read no
  // further than its mxFrame.
  void accept_unsummed() noexcept { accept_unsummed_ = true; }

  // `bytes` is exactly one frame (wal_frame_size). nullopt = not part of the valid log; the decoder
  // then stays where it was.
  std::optional<WalFrame> next(Bytes bytes) noexcept;

  std::uint64_t frames() const noexcept { return frames_; }                   // accepted so far
  std::optional<WalChecksum> checksum() const noexcept { return checksum_; }  // nullopt behind an unsummed frame
  const WalHeader& header() const noexcept { return header_; }

 private:
  WalHeader header_;
  std::optional<WalChecksum> checksum_;
  std::uint64_t frames_ = 0;
  bool accept_unsummed_ = false;
};

// The last image of each page of the committed part of a range of frames.
struct Changeset {
  struct Page {
    PageNo page = 0;
    std::uint64_t frame = 0;  // 0-based index in the WAL of the frame that holds the image
  };
  std::vector<Page> pages;              // ascending by page, none beyond `commit`
  std::uint32_t commit = 0;             // database size in pages; 0 = no commit in the range
  std::uint64_t end_frame = 0;          // first frame not covered: position to continue from
  std::optional<WalChecksum> checksum;  // running checksum at end_frame; nullopt = not known (unsummed frames)
  bool unsummed = false;                // there are such frames: who recovers the log loses what follows them
};

// Collects frames; what follows the last commit frame is left out of the result.
class ChangesetBuilder {
 public:
  // `frame` is the 0-based index of `f` in the WAL.
  void add(const WalFrame& f, std::uint64_t frame);
  // Frames folded into commits so far; the caller tests its byte limit at commits only.
  std::uint64_t committed_frames() const noexcept { return committed_frames_; }
  Changeset take();

 private:
  std::vector<Changeset::Page> committed_, open_;
  std::uint64_t committed_frames_ = 0;
  std::uint32_t commit_ = 0;
  std::uint64_t end_frame_ = 0;
  std::optional<WalChecksum> checksum_;
  bool unsummed_ = false, open_unsummed_ = false;  // among the committed, among the others
};

}  // namespace replica
