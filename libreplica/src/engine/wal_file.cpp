#include "engine/wal_file.hpp"

#include <algorithm>
#include <array>
#include <cstring>

#include "base/endian.hpp"

namespace replica::engine {
namespace {

constexpr std::uint64_t kBlock = 256U << 10;  // bytes read at a time: what a processor's own cache has room for
constexpr std::uint64_t kKeep = 256U << 10;   // a range up to this size stays in memory for encoding

struct Spare {
  std::unique_ptr<std::byte[]> bytes;
  std::size_t size = 0;
};
thread_local Spare spare;

constexpr std::uint64_t frames_in_block(std::uint64_t step) { return std::max<std::uint64_t>(1, kBlock / step); }

}  // namespace

MutableBytes ReadBlock::room(std::size_t size) {
  if (size_ < size && spare.size >= size) {
    std::swap(bytes_, spare.bytes);
    std::swap(size_, spare.size);
  }
  if (size_ < size) {
    size_ = std::max<std::size_t>(size, kBlock);
    bytes_ = std::make_unique_for_overwrite<std::byte[]>(size_);
  }
  return {bytes_.get(), size};
}

ReadBlock::~ReadBlock() {
  if (size_ <= spare.size || size_ > kKeep) return;
  std::swap(bytes_, spare.bytes);
  std::swap(size_, spare.size);
}

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
  const bool keep = (to_frame - from.frames) * step <= kKeep;
  const std::uint64_t per_block = keep ? std::max<std::uint64_t>(1, to_frame - from.frames) : frames_in_block(step);
  kept_ = 0;
  unpinned_.reset();

  WalDecoder decoder(header_, from.frames, from.frames == 0 ? header_.checksum : from.checksum);
  decoder.accept_unsummed();  // `to_frame` comes from the wal-index
  ChangesetBuilder builder;
  for (std::uint64_t frame = from.frames; frame < to_frame;) {
    const std::uint64_t count = std::min(per_block, to_frame - frame);
    const MutableBytes block = block_.room(static_cast<std::size_t>(count * step));
    if (auto r = file_.read_exactly_at(wal_offset(frame, header_.page_size), block); !r) return pass(r);
    if (keep) kept_first_ = frame, kept_ = count;
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

Result<Changeset> WalFile::read_rest(const WalHeader& generation, const WalPosition& from) {
  const std::uint64_t step = wal_frame_size(generation.page_size);
  kept_ = 0;
  unpinned_ = from;
  WalDecoder decoder(generation, from.frames, from.checksum);
  ChangesetBuilder builder;
  std::vector<std::byte> bytes(static_cast<std::size_t>(step));
  for (;;) {
    const std::uint64_t frame = decoder.frames();
    auto n = file_.read_at(wal_offset(frame, generation.page_size), bytes);
    if (!n) return pass(n);
    const auto decoded = *n == bytes.size() ? decoder.next(bytes) : std::nullopt;
    if (!decoded) break;
    builder.add(*decoded, frame);
  }
  auto ended = ends_before(decoder.frames(), generation.salts);
  if (!ended) return pass(ended);
  if (!*ended) return fail(Errc::corrupt, "where the restarted log ended cannot be seen");
  if (auto r = confirm(); !r) return pass(r);
  return builder.take();
}

Result<std::optional<WalFile::FrameMark>> WalFile::mark_of(std::uint64_t frame) const {
  std::array<std::byte, kWalFrameHeaderSize> bytes{};
  auto n = file_.read_at(wal_offset(frame, header_.page_size), bytes);
  if (!n) return pass(n);
  if (*n < bytes.size()) return std::optional<FrameMark>();
  const auto word = [&](std::size_t at) { return base::load_be<std::uint32_t>(bytes.data() + at); };
  return FrameMark{.salts = {word(8), word(12)}, .checksum = {word(16), word(20)}};
}

Result<bool> WalFile::ends_before(std::uint64_t frame, const Salts& generation) const {
  auto mark = mark_of(frame);
  if (!mark) return pass(mark);
  // Of the same generation: left by a transaction that was rolled back, or summed anew behind unsummed frames. All
  // zero: unsummed. Either could be followed by commits.
  return !*mark || ((*mark)->salts != generation && (*mark)->salts != Salts{});
}

Result<void> WalFile::confirm() const {
  if (!unpinned_) return {};
  auto mark = mark_of(unpinned_->frames - 1);
  if (!mark) return pass(mark);
  // Writers go through a log from its front, so that nothing behind this frame was touched before it.
  if (*mark && (*mark)->salts == unpinned_->salts && (*mark)->checksum == unpinned_->checksum) return {};
  return fail(Errc::corrupt, "the log was overwritten from its front up to what is not captured");
}

Result<void> WalFile::image(std::uint64_t frame, MutableBytes out) const {
  if (const auto seen = kept(frame)) {
    std::memcpy(out.data(), seen->data(), out.size());
    return {};
  }
  return file_.read_exactly_at(wal_offset(frame, header_.page_size) + kWalFrameHeaderSize, out);
}

std::optional<Bytes> WalFile::kept(std::uint64_t frame) const {
  if (frame < kept_first_ || frame - kept_first_ >= kept_) return std::nullopt;
  const std::size_t at = static_cast<std::size_t>((frame - kept_first_) * wal_frame_size(header_.page_size));
  return Bytes(block_.data() + at + kWalFrameHeaderSize, header_.page_size);
}

Result<Bytes> WalFile::view(std::span<const Changeset::Page> wanted) {
  const std::uint64_t frame = wanted.front().frame, step = wal_frame_size(header_.page_size);
  if (const auto seen = kept(frame)) return *seen;
  const std::uint64_t most = std::min<std::uint64_t>(frames_in_block(step), wanted.size());
  std::uint64_t count = 1;
  while (count < most && wanted[static_cast<std::size_t>(count)].frame == frame + count) ++count;
  kept_ = 0;
  const MutableBytes block = block_.room(static_cast<std::size_t>(count * step));
  if (auto r = file_.read_exactly_at(wal_offset(frame, header_.page_size), block); !r) return pass(r);
  kept_first_ = frame, kept_ = count;
  return *kept(frame);
}

Result<WalChecksum> WalFile::checksum_behind(std::uint64_t frames) const {
  auto mark = mark_of(frames - 1);
  if (!mark) return pass(mark);
  if (!*mark) return fail(Errc::corrupt, file_.path() + " ends before its last known frame");
  if ((*mark)->salts != header_.salts)
    return fail(Errc::corrupt, "the last known frame of " + file_.path() + " was overwritten");
  return (*mark)->checksum;
}

}  // namespace replica::engine
