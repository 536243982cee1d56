#include "replica/bytes.hpp"

#include <algorithm>
#include <cstring>

namespace replica {

Result<void> read_exactly(Reader& reader, MutableBytes out) {
  while (!out.empty()) {
    auto n = reader.read(out);
    if (!n) return pass(n);
    if (*n == 0) return fail(Errc::corrupt, "unexpected end of file");
    out = out.subspan(*n);
  }
  return {};
}

Result<std::size_t> MemorySource::read(MutableBytes out) {
  const std::size_t n = std::min(out.size(), data_.size() - offset_);
  if (n > 0) std::memcpy(out.data(), data_.data() + offset_, n);
  offset_ += n;
  return n;
}

Result<void> MemorySource::rewind() {
  offset_ = 0;
  return {};
}

Result<void> MemorySink::write(Bytes data) {
  data_.insert(data_.end(), data.begin(), data.end());
  return {};
}

Result<void> MemorySink::reset() {
  data_.clear();
  return {};
}

}  // namespace replica
