// The place a restore goes to: what may be there, and how the finished file takes it.
#pragma once

#include "io/file.hpp"
#include "replica/restore.hpp"

namespace replica::restore {

// "<output>.tmp", locked against a second restore to the same output and removed unless published.
class TempOutput {
 public:
  // Makes missing parent directories. no_space when the file system can not take `size` bytes; then nothing was made.
  // The file is `size` bytes of holes afterwards.
  static Result<TempOutput> create(const RestoreOptions& options, std::uint64_t size, io::Gate* gate);
  TempOutput(TempOutput&& other) noexcept;
  TempOutput& operator=(TempOutput&&) = delete;
  ~TempOutput();

  const std::string& path() const noexcept { return path_; }
  Result<void> sync() { return file_.sync(); }
  // Renames to the output, after a new look at what is there.
  Result<void> publish(const RestoreOptions& options);

 private:
  TempOutput(io::File file, std::string path, io::Gate* gate)
      : file_(std::move(file)), path_(std::move(path)), gate_(gate) {}
  io::File file_;
  std::string path_;
  io::Gate* gate_;
  bool owned_ = true;
};

}  // namespace replica::restore
