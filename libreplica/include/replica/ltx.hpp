// LTX files: one or more transactions as page images. Format: docs/ltx-format.md.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "replica/bytes.hpp"
#include "replica/clock.hpp"
#include "replica/types.hpp"

namespace replica {

inline constexpr std::uint64_t kLtxHeaderSize = 100;
inline constexpr std::uint64_t kLtxTrailerSize = 16;
inline constexpr std::uint32_t kLtxNoChecksum = 0x00000002;
inline constexpr std::uint64_t kLtxChecksumBit = 1ULL << 63;

// Offsets and rules: docs/ltx-format.md §1 (the engine spec's §1.1).
struct LtxHeader {
  std::uint32_t flags = kLtxNoChecksum;
  std::uint32_t page_size = 0;
  std::uint32_t commit = 0;  // database size in pages after applying the file
  TxRange range;
  Timestamp timestamp{};
  std::uint64_t pre_apply_checksum = 0;
  std::int64_t wal_offset = 0;  // level 0: where the range starts in the WAL, in bytes
  std::int64_t wal_size = 0;    // level 0: bytes of WAL covered
  Salts salts;
  std::uint64_t node_id = 0;

  bool is_snapshot() const noexcept { return range.min.value == 1; }
};

// `corrupt` when any rule of §1 is broken (magic, flags, page size, txids, WAL fields, checksums).
Result<LtxHeader> parse_ltx_header(Bytes bytes);
Result<void> check_ltx_header(const LtxHeader& header);

struct LtxTrailer {
  std::uint64_t post_apply_checksum = 0;
  std::uint64_t file_checksum = 0;
};

// One entry of the page index.
struct LtxIndexEntry {
  PageNo page = 0;
  std::uint64_t offset = 0;  // of the page frame in the file
  std::uint64_t size = 0;    // of the whole frame, its header included
};

// A page as it lies in a file. Both views live until the decoder's next call.
struct LtxPage {
  PageNo page = 0;
  Bytes image;       // page_size bytes, decompressed
  Bytes compressed;  // the LZ4 block; empty for the legacy LZ4 frame form
};

// Writes header, pages in ascending order, index and trailer. Enforces §1: order, page ≤ commit, no lock page, and
// for snapshots (min TXID 1) that every page is there. Memory: two or three bytes a page, for the index.
class LtxEncoder {
 public:
  // `out` must outlive the encoder.
  static Result<LtxEncoder> begin(Writer& out, const LtxHeader& header);
  LtxEncoder(LtxEncoder&&) noexcept;
  LtxEncoder& operator=(LtxEncoder&&) noexcept;
  ~LtxEncoder();

  Result<void> add(PageNo page, Bytes image);
  // Takes the compressed form as it is (compaction does not compress again); `image` is checksummed. A page whose
  // `compressed` is empty is compressed.
  Result<void> add(const LtxPage& page);
  // Writes the rest; nothing may be added after it. Buffered data reaches `out` before it returns.
  Result<LtxTrailer> finish();

  std::uint64_t bytes_written() const noexcept;

 private:
  struct State;
  explicit LtxEncoder(std::unique_ptr<State> state) noexcept;
  std::unique_ptr<State> state_;
};

// Reads and verifies everything: header, each page, order, page ≤ commit, index against frames, trailer, file
// checksum, nothing behind the end; rolling database checksum where present and min TXID is 1. Accepts block and
// legacy frame form, even mixed. Memory: a few pages. Never allocates by an unchecked length.
class LtxDecoder {
 public:
  // `in` must outlive the decoder. Reads the header.
  static Result<LtxDecoder> begin(Reader& in);
  LtxDecoder(LtxDecoder&&) noexcept;
  LtxDecoder& operator=(LtxDecoder&&) noexcept;
  ~LtxDecoder();

  const LtxHeader& header() const noexcept;
  // The next page, or nullopt after the last, when index and trailer have been read and verified too.
  Result<std::optional<LtxPage>> next();
  // Valid after next() gave nullopt.
  const LtxTrailer& trailer() const noexcept;

 private:
  struct State;
  explicit LtxDecoder(std::unique_ptr<State> state) noexcept;
  std::unique_ptr<State> state_;
};

// Header of the file that merging `inputs` (oldest first) makes: page size and min TXID of the first; commit, max TXID
// and timestamp of the last; WAL fields zero. `invalid_argument` when they are not adjacent or page sizes differ (§8).
Result<LtxHeader> merged_header(const std::vector<LtxHeader>& inputs);

// Merges adjacent files, oldest first, into one (compaction): per page the newest image wins, pages beyond the final
// commit are dropped. Verifies every input to its trailer. Pages are not compressed again.
Result<LtxHeader> merge_ltx(std::vector<LtxDecoder>& inputs, Writer& out, const Call& call);

// File name "<min>-<max>.ltx", 16 lower-case hex digits each; nullopt for anything else.
std::string ltx_file_name(TxRange range);
std::optional<TxRange> parse_ltx_file_name(std::string_view name);

// An LTX file as a store lists it.
struct LtxFileInfo {
  Level level = 0;
  TxRange range;
  std::uint64_t size = 0;
  Timestamp created_at{};

  std::string name() const { return ltx_file_name(range); }
  bool operator==(const LtxFileInfo&) const = default;
};

}  // namespace replica
