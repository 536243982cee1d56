// The content that the configuration file had when it was last read or written, so that a change made by somebody else
// is not overwritten.
#pragma once

#include <cstdint>
#include <mutex>
#include <optional>
#include <string_view>

namespace config {

struct Config;

// Tells two texts apart, no more: 64 bits, FNV-1a.
std::uint64_t content_id(std::string_view text) noexcept;

// Safe from any thread.
class KnownFile {
 public:
  // After load() of the file: at start and whenever it was read again.
  void note_loaded(const Config& config);
  void note_written(std::string_view text);
  // False for everything until something was noted.
  bool is(std::string_view text) const;

 private:
  mutable std::mutex lock_;
  std::optional<std::uint64_t> content_;
};

}  // namespace config
