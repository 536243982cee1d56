// LTX files as values for tests, and LTX files made byte by byte: any part can be wrong while every checksum is right,
// so that the check meant is the one that finds it. docs/ltx-format.md.
#pragma once

#include <lz4.h>
#include <lz4frame.h>

#include <algorithm>
#include <fstream>
#include <functional>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "base/endian.hpp"
#include "ltx/checksum.hpp"
#include "ltx/header.hpp"
#include "replica/ltx.hpp"

namespace support {

using ByteVector = std::vector<std::byte>;
using Pages = std::map<replica::PageNo, ByteVector>;

struct LtxFile {
  replica::LtxHeader header;
  Pages pages;
  replica::LtxTrailer trailer;
  bool any_block = false, any_frame = false;  // forms of its pages
};

// Gives at most `longest` bytes at a time.
class ChoppedReader final : public replica::Reader {
 public:
  explicit ChoppedReader(replica::Bytes data, std::size_t longest = ~std::size_t{0})
      : source_(data), longest_(longest) {}
  replica::Result<std::size_t> read(replica::MutableBytes out) override {
    return source_.read(out.first(std::min(out.size(), longest_)));
  }

 private:
  replica::MemorySource source_;
  std::size_t longest_;
};

inline replica::Result<LtxFile> decode(replica::Bytes bytes, std::size_t longest_read = ~std::size_t{0}) {
  ChoppedReader reader(bytes, longest_read);
  auto decoder = replica::LtxDecoder::begin(reader);
  if (!decoder) return replica::pass(decoder);
  LtxFile file;
  file.header = decoder->header();
  while (true) {
    auto page = decoder->next();
    if (!page) return replica::pass(page);
    if (!*page) break;
    file.pages.emplace((*page)->page, ByteVector((*page)->image.begin(), (*page)->image.end()));
    ((*page)->compressed.empty() ? file.any_frame : file.any_block) = true;
  }
  file.trailer = decoder->trailer();
  return file;
}

inline replica::Result<ByteVector> encode(const replica::LtxHeader& header, const Pages& pages) {
  replica::MemorySink out;
  auto encoder = replica::LtxEncoder::begin(out, header);
  if (!encoder) return replica::pass(encoder);
  for (const auto& [page, image] : pages) {
    if (auto r = encoder->add(page, image); !r) return replica::pass(r);
  }
  auto trailer = encoder->finish();
  if (!trailer) return replica::pass(trailer);
  return out.take();
}

inline replica::LtxHeader ltx_header(std::uint64_t min, std::uint64_t max, std::uint32_t commit,
                                     std::uint32_t page_size = 512) {
  replica::LtxHeader header;
  header.page_size = page_size;
  header.commit = commit;
  header.range = {{min}, {max}};
  header.timestamp = replica::Timestamp(std::chrono::milliseconds(1'795'443'276'443));
  return header;
}

// Nothing, a few bytes, or noise: what compresses to almost nothing, a little, and to more than itself.
inline ByteVector random_page(std::mt19937& random, std::uint32_t page_size) {
  ByteVector image(page_size);
  const auto kind = random() % 3;
  const std::size_t bytes = kind == 0 ? 0 : kind == 1 ? 20 : page_size;
  for (std::size_t i = 0; i < bytes; ++i) {
    const std::size_t at = kind == 1 ? random() % page_size : i;
    image[at] = static_cast<std::byte>(random());
  }
  return image;
}

inline ByteVector read_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  const std::string text((std::istreambuf_iterator<char>(in)), {});
  const auto bytes = std::as_bytes(std::span(text));
  return {bytes.begin(), bytes.end()};
}

inline ByteVector lz4_block(const ByteVector& image) {
  ByteVector out(static_cast<std::size_t>(LZ4_compressBound(static_cast<int>(image.size()))));
  const int n = LZ4_compress_default(reinterpret_cast<const char*>(image.data()), reinterpret_cast<char*>(out.data()),
                                     static_cast<int>(image.size()), static_cast<int>(out.size()));
  out.resize(static_cast<std::size_t>(n));
  return out;
}

// As versions up to 0.5.15 wrote them: 64 KiB independent blocks, content checksum.
inline ByteVector lz4_frame(const ByteVector& image) {
  LZ4F_preferences_t preferences{};
  preferences.frameInfo.blockSizeID = LZ4F_max64KB;
  preferences.frameInfo.blockMode = LZ4F_blockIndependent;
  preferences.frameInfo.contentChecksumFlag = LZ4F_contentChecksumEnabled;
  ByteVector out(LZ4F_compressFrameBound(image.size(), &preferences));
  out.resize(LZ4F_compressFrame(out.data(), out.size(), image.data(), image.size(), &preferences));
  return out;
}

class LtxForge {
 public:
  explicit LtxForge(const replica::LtxHeader& header) : header_(header) {
    const auto bytes = replica::ltx::encode_header(header);
    crc_.update(bytes);
    append(bytes);
  }

  LtxForge& block(replica::PageNo page, const ByteVector& image) { return raw(page, 1, lz4_block(image), image); }
  LtxForge& frame(replica::PageNo page, const ByteVector& image) { return raw(page, 0, lz4_frame(image), image); }

  // `image` is what the checksums are made of, whatever `compressed` holds; `length` replaces the true one.
  LtxForge& raw(replica::PageNo page, std::uint16_t flags, const ByteVector& compressed, const ByteVector& image,
                std::optional<std::uint32_t> length = {}) {
    const std::size_t start = bytes_.size();
    integer<std::uint32_t>(page);
    integer<std::uint16_t>(flags);
    if ((flags & 1) != 0) integer<std::uint32_t>(length.value_or(static_cast<std::uint32_t>(compressed.size())));
    crc_.update(replica::Bytes(bytes_).subspan(start));
    crc_.update(image);
    append(compressed);
    index.push_back({page, start, bytes_.size() - start});
    database_checksum ^= replica::ltx::page_checksum(page, image);
    return *this;
  }

  // Ends the file; the members below, which may have been changed, say how.
  ByteVector finish() {
    const std::size_t end = bytes_.size();
    integer<std::uint32_t>(0);
    integer<std::uint16_t>(end_flags);
    const std::size_t start = bytes_.size();
    for (const auto& entry : index) append(replica::ltx::IndexEntryBytes(entry).bytes());
    integer<std::uint8_t>(index_end);
    integer<std::uint64_t>(bytes_.size() - start + extra_index_length);
    const bool unchecked = (header_.flags & replica::kLtxNoChecksum) != 0;
    integer<std::uint64_t>(post_apply.value_or(unchecked ? 0 : database_checksum | replica::kLtxChecksumBit));
    crc_.update(replica::Bytes(bytes_).subspan(end));
    integer<std::uint64_t>(crc_.value() | replica::kLtxChecksumBit);
    return std::move(bytes_);
  }

  std::vector<replica::LtxIndexEntry> index;
  std::uint16_t end_flags = 0;
  std::uint8_t index_end = 0;
  std::uint64_t extra_index_length = 0;
  std::optional<std::uint64_t> post_apply;
  std::uint64_t database_checksum = 0;

 private:
  void append(replica::Bytes bytes) { bytes_.insert(bytes_.end(), bytes.begin(), bytes.end()); }
  template <class T>
  void integer(T value) {
    bytes_.resize(bytes_.size() + sizeof(T));
    replica::base::store_be<T>(bytes_.data() + bytes_.size() - sizeof(T), value);
  }

  replica::LtxHeader header_;
  ByteVector bytes_;
  replica::ltx::Crc64 crc_;
};

}  // namespace support
