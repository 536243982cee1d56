// Memory for small pieces that are kept while a database is at rest. They come and go while it is open: between what
// only an open database has, each would keep a page of memory from being given back.
#pragma once

#include <memory_resource>
#include <mutex>

namespace replica {

// Safe from any thread.
class LastingMemory final : public std::pmr::memory_resource {
 private:
  void* do_allocate(std::size_t bytes, std::size_t alignment) override {
    const std::lock_guard guard(lock_);
    return pool_.allocate(whole(bytes, alignment), alignment);
  }
  void do_deallocate(void* piece, std::size_t bytes, std::size_t alignment) override {
    const std::lock_guard guard(lock_);
    pool_.deallocate(piece, whole(bytes, alignment), alignment);
  }
  bool do_is_equal(const std::pmr::memory_resource& other) const noexcept override { return this == &other; }

  // The pool of libstdc++ 12 has blocks of 24 bytes, say, for 20 that are to lie at a multiple of 16.
  static std::size_t whole(std::size_t bytes, std::size_t alignment) noexcept {
    return (bytes + alignment - 1) / alignment * alignment;
  }

  std::mutex lock_;
  std::pmr::unsynchronized_pool_resource pool_{{.max_blocks_per_chunk = 512, .largest_required_pool_block = 512}};
};

}  // namespace replica
