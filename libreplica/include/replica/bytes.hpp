// Streams of bytes: pulled from a Reader or Source, pushed into a Writer or Sink.
// None of them is safe to use from two threads at once.
#pragma once

#include <cstdint>
#include <vector>

#include "replica/types.hpp"

namespace replica {

class Reader {
 public:
  virtual ~Reader() = default;
  // Fills at most out.size() bytes and says how many; 0 only at the end (or when out is empty).
  virtual Result<std::size_t> read(MutableBytes out) = 0;
};

// Reads until `out` is full. `corrupt` "unexpected end of file" when the reader ends before.
Result<void> read_exactly(Reader& reader, MutableBytes out);

// A body that can be sent again from its beginning.
class Source : public Reader {
 public:
  virtual std::uint64_t size() const = 0;
  virtual Result<void> rewind() = 0;
};

class Writer {
 public:
  virtual ~Writer() = default;
  virtual Result<void> write(Bytes data) = 0;
};

// A destination that can be started over, for a transfer that is tried again.
class Sink : public Writer {
 public:
  virtual Result<void> reset() = 0;
};

// Views `data`, which must outlive it.
class MemorySource final : public Source {
 public:
  explicit MemorySource(Bytes data) noexcept : data_(data) {}
  Result<std::size_t> read(MutableBytes out) override;
  std::uint64_t size() const override { return data_.size(); }
  Result<void> rewind() override;

 private:
  Bytes data_;
  std::size_t offset_ = 0;
};

class MemorySink final : public Sink {
 public:
  Result<void> write(Bytes data) override;
  Result<void> reset() override;
  const std::vector<std::byte>& data() const noexcept { return data_; }
  std::vector<std::byte> take() noexcept { return std::move(data_); }

 private:
  std::vector<std::byte> data_;
};

}  // namespace replica
