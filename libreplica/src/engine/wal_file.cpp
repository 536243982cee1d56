#include "engine/wal_file.hpp"

#include <algorithm>
#include <array>
#include <cstring>

#include "base/endian.hpp"

namespace replica::engine {
namespace {

constexpr std::uint64_t kBlock = 1U << 20;  // bytes read at a time
constexpr std::uint64_t kKeep = 4U << 20;   // a range up to this size stays in memory for encoding

}  // namespace

Result<WalFile> WalFile::open(const std::string& database_path, io::Gate* gate) {
  auto file = io::File::open(database_path + "-wal", io::File::Mode::read, gate);
  if (!file) return pass(file);
  std::array<std::byte, kWalHeaderSize> bytes{};
  auto n = file->read_at(0, bytes);
  if (!n) return pass(n);
  if (*n < bytes.size()) return fail(Errc::not_found, "write-ahead log " + file->path() + " is empty");
  auto header = parse_wal_header(bytes);
  if (!header) return pass(header, "read " + file->path());
  return WalFile(std::move(*file), *header);
}

Result<Changeset> WalFile::read(const WalPosition& from, std::uint64_t to_frame, std::uint64_t max_bytes) {
  const std::uint64_t step = wal_frame_size(header_.page_size);
  const std::uint64_t per_block = std::max<std::uint64_t>(1, kBlock / step);
  kept_.clear();
  kept_first_ = from.frames;
  const bool keep = (to_frame - from.frames) * step <= kKeep;

  WalDecoder decoder(header_, from.frames, from.frames == 0 ? header_.checksum : from.checksum);
  decoder.accept_unsummed();  // `to_frame` comes from the wal-index
  ChangesetBuilder builder;
  std::vector<std::byte> block;
  for (std::uint64_t frame = from.frames; frame < to_frame;) {
    const std::uint64_t count = std::min(per_block, to_frame - frame);
    block.resize(static_cast<std::size_t>(count * step));
    if (auto r = file_.read_exactly_at(wal_offset(frame, header_.page_size), block); !r) return pass(r);
    if (keep) kept_.insert(kept_.end(), block.begin(), block.end());
    for (std::uint64_t i = 0; i < count; ++i, ++frame) {
      const auto decoded =
          decoder.next(Bytes(block).subspan(static_cast<std::size_t>(i * step), static_cast<std::size_t>(step)));
      if (!decoded) {
        return fail(Errc::corrupt,
                    "frame " + std::to_string(frame) + " of " + file_.path() + " does not continue the log");
      }
      builder.add(*decoded, frame);
      const bool full = max_bytes != 0 && builder.committed_frames() * step >= max_bytes;
      if (decoded->commit != 0 && full) return builder.take();
    }
  }
  return builder.take();
}

Result<void> WalFile::image(std::uint64_t frame, MutableBytes out) const {
  const std::uint64_t step = wal_frame_size(header_.page_size);
  if (frame >= kept_first_ && (frame - kept_first_ + 1) * step <= kept_.size()) {
    std::memcpy(out.data(), kept_.data() + (frame - kept_first_) * step + kWalFrameHeaderSize, out.size());
    return {};
  }
  return file_.read_exactly_at(wal_offset(frame, header_.page_size) + kWalFrameHeaderSize, out);
}

Result<WalChecksum> WalFile::checksum_behind(std::uint64_t frames) const {
  std::array<std::byte, kWalFrameHeaderSize> bytes{};
  if (auto r = file_.read_exactly_at(wal_offset(frames - 1, header_.page_size), bytes); !r) return pass(r);
  const Salts salts{base::load_be<std::uint32_t>(bytes.data() + 8), base::load_be<std::uint32_t>(bytes.data() + 12)};
  if (salts != header_.salts)
    return fail(Errc::corrupt, "the last known frame of " + file_.path() + " was overwritten");
  return WalChecksum{base::load_be<std::uint32_t>(bytes.data() + 16), base::load_be<std::uint32_t>(bytes.data() + 20)};
}

}  // namespace replica::engine
