// LTX files in the making beside the database, removed when the object goes away. Not durable: whoever stores one for
// good sees to that.
#pragma once

#include <functional>
#include <string>

#include "io/file.hpp"
#include "replica/ltx.hpp"

namespace replica::engine {

class ScratchOutput final : public Writer {
 public:
  // Makes `directory` when missing. Others may use the same `name`.
  static Result<ScratchOutput> create(const std::string& directory, const std::string& name, io::Gate* gate);
  ScratchOutput(ScratchOutput&& other) noexcept;
  ScratchOutput& operator=(ScratchOutput&&) = delete;
  ~ScratchOutput() override;

  Result<void> write(Bytes data) override { return file_.append(data); }
  // Once all is written; what is read may be taken over by who stores it.
  Result<io::FileSource> source() const { return io::FileSource::open(path_, gate_, io::FileSource::May::be_given); }

 private:
  ScratchOutput() = default;
  std::string path_;
  io::File file_;
  io::Gate* gate_ = nullptr;
};

// One that is complete, with its header.
class ScratchFile {
 public:
  using Fill = std::function<Result<void>(LtxEncoder&)>;
  // Encodes what `fill` adds behind `header`.
  static Result<ScratchFile> write(const std::string& directory, const LtxHeader& header, const Fill& fill,
                                   io::Gate* gate);

  const LtxHeader& header() const noexcept { return header_; }
  Result<io::FileSource> open() const { return output_.source(); }

 private:
  ScratchFile(ScratchOutput output, const LtxHeader& header) : output_(std::move(output)), header_(header) {}
  ScratchOutput output_;
  LtxHeader header_;
};

}  // namespace replica::engine
