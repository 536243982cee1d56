// A sequential reader of one object that fetches it block by block.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "replica/backend.hpp"

namespace replica {

// Holds one block of at most `block` bytes, and at most the object's size.
class ObjectReader final : public Reader {
 public:
  // Fetches the first block, so that a missing object is known here. An object of another size than `size` is
  // `corrupt`: a shorter one when its end is met, a longer one when the last block is fetched.
  static Result<std::unique_ptr<Reader>> open(std::shared_ptr<Backend> backend, std::string key, std::uint64_t size,
                                              std::size_t block, const Call& call);
  Result<std::size_t> read(MutableBytes out) override;

 private:
  ObjectReader(std::shared_ptr<Backend> backend, std::string key, std::uint64_t size, std::size_t block,
               const Call& call);
  Result<void> fetch();
  Failure wrong_size() const;

  std::shared_ptr<Backend> backend_;
  std::string key_;
  std::uint64_t size_;
  std::size_t block_size_;
  Call call_;
  std::vector<std::byte> block_;
  std::size_t taken_ = 0;      // of block_
  std::uint64_t fetched_ = 0;  // of the object
};

}  // namespace replica
