#include "engine/scratch_file.hpp"

#include <atomic>
#include <tuple>
#include <utility>

namespace replica::engine {

Result<ScratchOutput> ScratchOutput::create(const std::string& directory, const std::string& name, io::Gate* gate) {
  if (auto made = io::make_directories(directory, gate); !made) return pass(made);
  ScratchOutput output;
  output.gate_ = gate;
  static std::atomic<unsigned> count{0};  // two lanes may want the same at once
  const std::string path = io::temp_name(directory + "/" + name + "." + std::to_string(count++));
  auto file = io::File::open(path, io::File::Mode::create_or_truncate, gate, 0600);
  if (!file) return pass(file);
  output.path_ = path;
  output.file_ = std::move(*file);
  return output;
}

ScratchOutput::ScratchOutput(ScratchOutput&& other) noexcept
    : path_(std::exchange(other.path_, {})), file_(std::move(other.file_)), gate_(other.gate_) {}

ScratchOutput::~ScratchOutput() {
  if (path_.empty()) return;
  file_.close();
  // What cannot be removed now has a temp name and goes at the next start.
  std::ignore = io::remove_file(path_);
}

Result<ScratchFile> ScratchFile::write(const std::string& directory, const LtxHeader& header, const Fill& fill,
                                       io::Gate* gate) {
  auto output = ScratchOutput::create(directory, ltx_file_name(header.range), gate);
  if (!output) return pass(output);
  auto encoder = LtxEncoder::begin(*output, header);
  if (!encoder) return pass(encoder);
  if (auto r = fill(*encoder); !r) return pass(r);
  if (auto r = encoder->finish(); !r) return pass(r);
  return ScratchFile(std::move(*output), header);
}

}  // namespace replica::engine
