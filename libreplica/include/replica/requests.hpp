// How much is asked of a store: what its bill shows.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

namespace replica {

// put: an object, or a part of one. list: a page of a listing. other: what begins and ends an upload in parts, folders,
// renames. login: asks for credentials, of another service than the store.
enum class RequestClass { put, get, list, stat, remove, other, login };
inline constexpr std::size_t kRequestClasses = 7;

std::string_view name(RequestClass kind) noexcept;

struct RequestTally {
  std::uint64_t requests = 0;  // that were sent
  std::uint64_t errors = 0;    // no answer, or a refusal; that something is missing or taken is none
  std::uint64_t retries = 0;   // of the requests: sent because an attempt before had failed
  std::uint64_t bytes_sent = 0, bytes_received = 0;  // of bodies

  RequestTally& operator+=(const RequestTally& other) noexcept;
  friend bool operator==(const RequestTally&, const RequestTally&) = default;
};

struct RequestCounts {
  std::array<RequestTally, kRequestClasses> by_class{};

  RequestTally& operator[](RequestClass kind) { return by_class.at(static_cast<std::size_t>(kind)); }
  const RequestTally& operator[](RequestClass kind) const { return by_class.at(static_cast<std::size_t>(kind)); }
  RequestCounts& operator+=(const RequestCounts& other) noexcept;
  RequestTally total() const noexcept;
};

// Safe from any thread. What is added counts in `sum` too, which must outlive it.
class RequestCounter {
 public:
  explicit RequestCounter(RequestCounter* sum = nullptr) noexcept : sum_(sum) {}

  void add(RequestClass kind, const RequestTally& tally) noexcept;
  RequestCounts counts() const noexcept;

 private:
  class Hold;
  RequestCounts unpacked() const noexcept;
  bool pack(const RequestCounts& counts) noexcept;  // false: there is no room

  // There is one for each database. Most numbers are 0 and many others small, so they are packed while they fit.
  RequestCounter* const sum_;
  std::unique_ptr<RequestCounts> plain_;
  mutable std::atomic_flag held_;
  std::uint8_t packed_size_ = 0;
  std::array<std::byte, 38> packed_{};
};

}  // namespace replica
