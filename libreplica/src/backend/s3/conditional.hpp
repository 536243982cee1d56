// Whether a store means it when it takes If-None-Match.
#pragma once

#include <atomic>

#include <mutex>

#include "backend/s3/service.hpp"

namespace replica::s3 {

class ConditionalPut {
 public:
  explicit ConditionalPut(Service& bucket) : bucket_(bucket) {}

  // False once the store is known to ignore or refuse the condition.
  bool may_be_supported() const noexcept { return state_ != State::no; }
  // Success when it is kept, `unsupported` when not. The first time it is found out with an empty object beside
  // `store_key`, put twice and removed.
  Result<void> ensure(const std::string& store_key, const Call& call);

 private:
  enum class State { unknown, yes, no };
  Result<State> probe(const std::string& store_key, const Call& call);

  Service& bucket_;
  std::mutex probing_;
  std::atomic<State> state_ = State::unknown;
};

}  // namespace replica::s3
