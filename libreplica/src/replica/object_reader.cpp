#include "replica/object_reader.hpp"

#include <algorithm>
#include <cstring>

namespace replica {
namespace {

// Takes at most `limit` bytes: an object that has grown must not grow our memory.
class BlockSink final : public Sink {
 public:
  BlockSink(std::vector<std::byte>& block, std::size_t limit) : block_(block), limit_(limit) {
    block_.clear();
    block_.reserve(limit);
  }
  Result<void> write(Bytes data) override {
    if (data.size() > limit_ - block_.size()) {
      overflowed_ = true;
      return fail(Errc::corrupt, "more bytes than the object was listed with");
    }
    block_.insert(block_.end(), data.begin(), data.end());
    return {};
  }
  Result<void> reset() override {
    block_.clear();
    return {};
  }
  bool overflowed() const noexcept { return overflowed_; }

 private:
  std::vector<std::byte>& block_;
  std::size_t limit_;
  bool overflowed_ = false;
};

}  // namespace

ObjectReader::ObjectReader(std::shared_ptr<Backend> backend, std::string key, std::uint64_t size, std::size_t block,
                           const Call& call)
    : backend_(std::move(backend)),
      key_(std::move(key)),
      size_(size),
      block_size_(std::max<std::size_t>(block, 1)),
      call_(call) {}

Result<std::unique_ptr<Reader>> ObjectReader::open(std::shared_ptr<Backend> backend, std::string key,
                                                   std::uint64_t size, std::size_t block, const Call& call) {
  std::unique_ptr<ObjectReader> reader(new ObjectReader(std::move(backend), std::move(key), size, block, call));
  if (auto first = reader->fetch(); !first) return pass(first);
  return reader;
}

Result<std::size_t> ObjectReader::read(MutableBytes out) {
  if (out.empty()) return 0;
  if (taken_ == block_.size()) {
    if (fetched_ == size_) return 0;
    if (auto fetched = fetch(); !fetched) return pass(fetched);
  }
  const std::size_t n = std::min(out.size(), block_.size() - taken_);
  std::memcpy(out.data(), block_.data() + taken_, n);
  taken_ += n;
  return n;
}

Result<void> ObjectReader::fetch() {
  const std::uint64_t left = size_ - fetched_;
  const auto wanted = static_cast<std::size_t>(std::min<std::uint64_t>(left, block_size_));
  ByteRange range{.offset = fetched_, .length = wanted};
  // The last block is asked for without an end, so that an object longer than listed shows itself without another
  // request.
  if (wanted == left) range.length.reset();
  BlockSink sink(block_, wanted);
  taken_ = 0;
  auto got = backend_->get(key_, range, sink, call_);
  if (sink.overflowed()) return wrong_size();
  if (!got) {
    block_.clear();
    if (got.error().code == Errc::out_of_range) return wrong_size();
    return pass(got, "read " + key_);
  }
  if (block_.size() != wanted) return wrong_size();
  fetched_ += wanted;
  return {};
}

Failure ObjectReader::wrong_size() const {
  return fail(Errc::corrupt,
              "object " + key_ + " does not have the " + std::to_string(size_) + " bytes it was listed with");
}

}  // namespace replica
