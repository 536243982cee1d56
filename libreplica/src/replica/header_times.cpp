#include "replica/header_times.hpp"

#include <algorithm>
#include <atomic>
#include <mutex>
#include <optional>
#include <thread>

namespace replica {
namespace {

// A level holds thousands of files and each header is a round trip: one after another would take minutes.
constexpr std::size_t kMaxParallel = 16;

}  // namespace

Result<void> date_from_headers(std::vector<LtxFileInfo>& files, const ReadHeader& read) {
  std::vector<char> gone(files.size(), 0);
  std::atomic<std::size_t> next{0};
  std::atomic<bool> failed{false};
  std::mutex mutex;
  std::optional<Error> first_error;

  auto work = [&] {
    for (std::size_t i = next++; i < files.size() && !failed; i = next++) {
      auto header = read(files[i]);
      if (header) {
        files[i].created_at = header->timestamp;
      } else if (header.error().code == Errc::not_found) {
        gone[i] = 1;
      } else {
        const std::lock_guard lock(mutex);
        if (!first_error) first_error = std::move(header.error());
        failed = true;
      }
    }
  };
  {
    std::vector<std::jthread> helpers;
    for (std::size_t i = 1; i < std::min(kMaxParallel, files.size()); ++i) helpers.emplace_back(work);
    work();
  }
  if (first_error) return Failure(std::move(*first_error));

  std::size_t kept = 0;
  for (std::size_t i = 0; i < files.size(); ++i) {
    if (!gone[i]) files[kept++] = files[i];
  }
  files.resize(kept);
  return {};
}

}  // namespace replica
