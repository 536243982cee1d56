// A callable kept where it is stored, without memory of its own: of std::functions that each take a piece of the heap
// for minutes, tens of thousands hold pages that could be given back.
#pragma once

#include <cstddef>
#include <memory>
#include <new>
#include <type_traits>
#include <utility>

namespace replica::base {

// What is called takes `Args` and returns nothing; what it holds takes `Size` bytes at most.
template <std::size_t Size, class... Args>
class InlineFunction {
 public:
  template <class F>
    requires(!std::is_same_v<std::decay_t<F>, InlineFunction> && std::is_invocable_v<F&, Args...>)
  InlineFunction(F&& callable) : how_(&kHow<std::decay_t<F>>) {
    using Held = std::decay_t<F>;
    static_assert(sizeof(Held) <= Size && alignof(Held) <= alignof(void*) &&
                  std::is_nothrow_move_constructible_v<Held>);
    ::new (static_cast<void*>(held_)) Held(std::forward<F>(callable));
  }
  InlineFunction(InlineFunction&& other) noexcept : how_(other.how_) { how_->move(other.held_, held_); }
  InlineFunction& operator=(InlineFunction&& other) noexcept {
    if (this == &other) return *this;
    how_->destroy(held_);
    how_ = other.how_;
    how_->move(other.held_, held_);
    return *this;
  }
  ~InlineFunction() { how_->destroy(held_); }

  void operator()(Args... args) { how_->call(held_, args...); }

 private:
  struct How {
    void (*call)(void* held, Args... args);
    void (*move)(void* from, void* to) noexcept;  // `from` stays to be destroyed
    void (*destroy)(void* held) noexcept;
  };
  template <class Held>
  static constexpr How kHow{
      [](void* held, Args... args) { (*static_cast<Held*>(held))(args...); },
      [](void* from, void* to) noexcept { ::new (to) Held(std::move(*static_cast<Held*>(from))); },
      [](void* held) noexcept { std::destroy_at(static_cast<Held*>(held)); }};

  const How* how_;
  alignas(void*) std::byte held_[Size];
};

}  // namespace replica::base
