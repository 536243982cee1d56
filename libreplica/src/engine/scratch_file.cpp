#include "engine/scratch_file.hpp"

#include <atomic>
#include <utility>

namespace replica::engine {

Result<ScratchFile> ScratchFile::write(const std::string& directory, const LtxHeader& header, const Fill& fill,
                                       io::Gate* gate) {
  if (auto r = io::make_directories(directory, gate); !r) return pass(r);
  // AtomicFile removes its own temp name when this fails before the commit.
  static std::atomic<unsigned> count{0};  // two lanes may want the same state at once
  ScratchFile scratch(directory + "/" + ltx_file_name(header.range) + "." + std::to_string(count++), header, gate);
  auto file = io::AtomicFile::create(scratch.path_, gate);
  if (!file) return pass(file);
  auto encoder = LtxEncoder::begin(*file, header);
  if (!encoder) return pass(encoder);
  if (auto r = fill(*encoder); !r) return pass(r);
  if (auto r = encoder->finish(); !r) return pass(r);
  if (auto r = file->commit(); !r) return pass(r);
  return scratch;
}

ScratchFile::ScratchFile(ScratchFile&& other) noexcept
    : path_(std::exchange(other.path_, {})), header_(other.header_), gate_(other.gate_) {}

ScratchFile::~ScratchFile() {
  // Left behind at worst: the directory is swept when the store is opened.
  if (!path_.empty()) static_cast<void>(io::remove_file(path_));
}

}  // namespace replica::engine
