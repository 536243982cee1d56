// An LTX file in the making beside the database, removed when the object goes away.
#pragma once

#include <functional>
#include <string>

#include "io/file.hpp"
#include "replica/ltx.hpp"

namespace replica::engine {

class ScratchFile {
 public:
  using Fill = std::function<Result<void>(LtxEncoder&)>;
  // Makes `directory` when missing and encodes what `fill` adds behind `header`.
  static Result<ScratchFile> write(const std::string& directory, const LtxHeader& header, const Fill& fill,
                                   io::Gate* gate);
  ScratchFile(ScratchFile&& other) noexcept;
  ScratchFile& operator=(ScratchFile&&) = delete;
  ~ScratchFile();

  const LtxHeader& header() const noexcept { return header_; }
  Result<io::FileSource> open() const { return io::FileSource::open(path_, gate_); }

 private:
  ScratchFile(std::string path, const LtxHeader& header, io::Gate* gate)
      : path_(std::move(path)), header_(header), gate_(gate) {}
  std::string path_;
  LtxHeader header_;
  io::Gate* gate_;
};

}  // namespace replica::engine
