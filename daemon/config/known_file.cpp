#include "config/known_file.hpp"

#include "config/config.hpp"

namespace config {

std::uint64_t content_id(std::string_view text) noexcept {
  std::uint64_t hash = 0xcbf29ce484222325;
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  return hash;
}

void KnownFile::note_loaded(const Config& config) {
  const std::lock_guard guard(lock_);
  content_ = config.content;
}

void KnownFile::note_written(std::string_view text) {
  const std::lock_guard guard(lock_);
  content_ = content_id(text);
}

bool KnownFile::is(std::string_view text) const {
  const std::lock_guard guard(lock_);
  return content_ == content_id(text);
}

}  // namespace config
