// A large body in parts over HTTP, several at once.
#pragma once

#include "http/client.hpp"

namespace replica::backend {

// What a store does with one part. Used by one thread at a time.
class PartStore {
 public:
  virtual ~PartStore() = default;
  // The request that sends part `number`, from 1; `body` gives its `data` and stays until the answer is there.
  virtual Result<http::Request> prepare(std::size_t number, Bytes data, Source& body) = 0;
  // A part that the store took.
  virtual Result<void> stored(std::size_t number, const http::Response& answer, const std::string& what) = 0;
  // The error of an answer that is none of 2xx.
  virtual Error error_of(const http::Response& answer, std::string_view what) = 0;
};

struct PartOptions {
  std::uint64_t part_size = 0;  // of each but the last
  std::size_t concurrency = 1;
};

// At least `wanted`, and no more than `most` parts.
std::uint64_t part_size_for(std::uint64_t body, std::uint64_t wanted, std::uint64_t most) noexcept;
std::size_t part_count(std::uint64_t body, std::uint64_t part_size) noexcept;

// Holds `concurrency` parts in memory. A part whose transfer fails in a way that may pass is sent again at once, twice
// at most, since beginning anew is dear; everything else is the caller's to try again. A body of another length than it
// says is `corrupt`. `what` begins the errors.
Result<void> send_parts(http::Client& client, PartStore& store, Source& body, const PartOptions& options,
                        const std::string& what, const Call& call);

}  // namespace replica::backend
