// Bytes that no store, disk or line between can compress, of any length and without holding them: a function from seed
// and position.
#pragma once

#include "replica/bytes.hpp"

namespace litestreamctl::bench {

void fill_noise(std::uint64_t seed, std::uint64_t offset, replica::MutableBytes out);
bool is_noise(std::uint64_t seed, std::uint64_t offset, replica::Bytes data);

class NoiseSource final : public replica::Source {
 public:
  NoiseSource(std::uint64_t seed, std::uint64_t size) noexcept : seed_(seed), size_(size) {}
  replica::Result<std::size_t> read(replica::MutableBytes out) override;
  std::uint64_t size() const override { return size_; }
  replica::Result<void> rewind() override;

 private:
  std::uint64_t seed_, size_, offset_ = 0;
};

// Takes the noise from `offset` on and nothing else: `corrupt`.
class NoiseSink final : public replica::Sink {
 public:
  NoiseSink(std::uint64_t seed, std::uint64_t offset) noexcept : seed_(seed), begin_(offset), offset_(offset) {}
  replica::Result<void> write(replica::Bytes data) override;
  replica::Result<void> reset() override;
  std::uint64_t count() const noexcept { return offset_ - begin_; }

 private:
  std::uint64_t seed_, begin_, offset_;
};

}  // namespace litestreamctl::bench
