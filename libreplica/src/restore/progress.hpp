// Counts what restore workers have read and tells the caller, one call at a time.
#pragma once

#include <mutex>

#include "replica/restore.hpp"

namespace replica::restore {

class ProgressMeter {
 public:
  using Listener = std::function<void(const RestoreProgress&)>;
  ProgressMeter(const std::vector<LtxFileInfo>& files, Listener listener) : listener_(std::move(listener)) {
    total_.files_total = files.size();
    for (const auto& file : files) total_.bytes_total += file.size;
  }
  void add(std::uint64_t bytes, std::size_t files) {
    if (!listener_) return;
    const std::lock_guard lock(mutex_);
    total_.bytes_done += bytes;
    total_.files_done += files;
    listener_(total_);
  }

 private:
  Listener listener_;
  std::mutex mutex_;
  RestoreProgress total_;  // guarded by mutex_
};

// One file being read; tells the meter each megabyte.
class CountingReader final : public Reader {
 public:
  CountingReader(Reader& inner, ProgressMeter& meter) : inner_(&inner), meter_(&meter) {}
  Result<std::size_t> read(MutableBytes out) override {
    auto count = inner_->read(out);
    if (count) untold_ += *count;
    if (untold_ >= kStep) meter_->add(std::exchange(untold_, 0), 0);
    return count;
  }
  void finished() { meter_->add(std::exchange(untold_, 0), 1); }

 private:
  static constexpr std::uint64_t kStep = 1U << 20;
  Reader* inner_;
  ProgressMeter* meter_;
  std::uint64_t untold_ = 0;
};

}  // namespace replica::restore
