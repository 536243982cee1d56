// What the tests of store, replica and maintenance share: a temporary directory and LTX files made on the spot.
#pragma once

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "replica/ltx.hpp"
#include "support/catch.hpp"
#include "support/temp_dir.hpp"

namespace ltx_files {

namespace fs = std::filesystem;
using replica::Bytes;
using replica::LtxHeader;
using replica::PageNo;
using ByteVector = std::vector<std::byte>;
using Pages = std::map<PageNo, ByteVector>;

// In memory when there is such a file system: these tests sync often, and what the disk does is not their point.
struct TempDir : support::TempDir {
  TempDir() : support::TempDir(support::fast_directory()) {}
  std::string operator/(const std::string& name) const { return path(name); }
};

inline ByteVector read_file(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  REQUIRE(in);
  const std::string text((std::istreambuf_iterator<char>(in)), {});
  const auto bytes = std::as_bytes(std::span(text));
  return {bytes.begin(), bytes.end()};
}

inline void write_file(const fs::path& path, Bytes data) {
  fs::create_directories(path.parent_path());
  std::ofstream out(path, std::ios::binary | std::ios::trunc);
  for (const std::byte b : data) out.put(static_cast<char>(b));
  REQUIRE(out.flush());
}

inline void write_text(const fs::path& path, std::string_view text) {
  write_file(path, std::as_bytes(std::span(text)));
}

inline std::vector<std::string> names_in(const fs::path& directory) {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(directory)) names.push_back(entry.path().filename().string());
  std::sort(names.begin(), names.end());
  return names;
}

// From the environment variable LITESTREAM_TEST_SEED, else a fresh one; tell it with INFO.
inline std::uint32_t seed() {
  if (const char* text = std::getenv("LITESTREAM_TEST_SEED")) return static_cast<std::uint32_t>(std::stoul(text));
  return std::random_device{}();
}

// Compressible, and different for each `content`.
inline ByteVector image(std::uint32_t page_size, std::uint32_t content) {
  ByteVector bytes(page_size);
  for (std::size_t i = 0; i < 8; ++i) bytes[i * 37] = static_cast<std::byte>(content >> (i % 4 * 8));
  return bytes;
}

inline LtxHeader header(std::uint64_t min, std::uint64_t max, std::uint32_t commit, std::uint32_t page_size = 512,
                        std::int64_t milliseconds = 1'700'000'000'000) {
  LtxHeader made;
  made.page_size = page_size;
  made.commit = commit;
  made.range = {{min}, {max}};
  made.timestamp = replica::Timestamp(std::chrono::milliseconds(milliseconds));
  return made;
}

inline void encode(replica::Writer& out, const LtxHeader& header, const Pages& pages) {
  auto encoder = replica::LtxEncoder::begin(out, header);
  REQUIRE(encoder);
  for (const auto& [page, bytes] : pages) {
    auto added = encoder->add(page, bytes);
    REQUIRE(added);
  }
  auto finished = encoder->finish();
  REQUIRE(finished);
}

inline ByteVector encode(const LtxHeader& header, const Pages& pages) {
  replica::MemorySink out;
  encode(out, header, pages);
  return out.take();
}

}  // namespace ltx_files
