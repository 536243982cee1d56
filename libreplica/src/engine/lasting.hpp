// One piece of lasting memory, made when it is needed.
#pragma once

#include <memory>
#include <new>

#include "replica/lasting_memory.hpp"

namespace replica::engine {

template <class T>
struct GiveBack {
  std::pmr::memory_resource* memory;
  void operator()(T* piece) const {
    std::destroy_at(piece);
    memory->deallocate(piece, sizeof(T), alignof(T));
  }
};
template <class T>
using Lasting = std::unique_ptr<T, GiveBack<T>>;

template <class T>
Lasting<T> make_lasting(std::pmr::memory_resource& memory) {
  return Lasting<T>(::new (memory.allocate(sizeof(T), alignof(T))) T{}, GiveBack<T>{&memory});
}

}  // namespace replica::engine
