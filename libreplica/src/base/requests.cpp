#include "replica/requests.hpp"

#include <algorithm>

#include "base/varint.hpp"

namespace replica {
namespace {

constexpr std::array kNumbers{&RequestTally::requests, &RequestTally::errors, &RequestTally::retries,
                              &RequestTally::bytes_sent, &RequestTally::bytes_received};
static_assert(sizeof(RequestTally) == kNumbers.size() * sizeof(std::uint64_t));

}  // namespace

std::string_view name(RequestClass kind) noexcept {
  constexpr std::array<std::string_view, kRequestClasses> kNames{"put",    "get",   "list", "stat",
                                                                 "remove", "other", "login"};
  return kNames.at(static_cast<std::size_t>(kind));
}

RequestTally& RequestTally::operator+=(const RequestTally& other) noexcept {
  for (const auto number : kNumbers) this->*number += other.*number;
  return *this;
}

RequestCounts& RequestCounts::operator+=(const RequestCounts& other) noexcept {
  for (std::size_t i = 0; i < kRequestClasses; ++i) by_class.at(i) += other.by_class.at(i);
  return *this;
}

RequestTally RequestCounts::total() const noexcept {
  RequestTally out;
  for (const RequestTally& tally : by_class) out += tally;
  return out;
}

// io::SmallMutex takes four bytes, and is not for public headers.
class RequestCounter::Hold {
 public:
  explicit Hold(std::atomic_flag& held) noexcept : held_(held) {
    while (held_.test_and_set(std::memory_order_acquire)) held_.wait(true, std::memory_order_relaxed);
  }
  ~Hold() {
    held_.clear(std::memory_order_release);
    held_.notify_one();
  }
  Hold(const Hold&) = delete;
  Hold& operator=(const Hold&) = delete;

 private:
  std::atomic_flag& held_;
};

// Of each class with a number that is not 0: one byte that says which class and which numbers, then those.
RequestCounts RequestCounter::unpacked() const noexcept {
  RequestCounts out;
  const std::byte* at = packed_.data();
  for (const std::byte* const end = at + packed_size_; at < end;) {
    const auto which = std::to_integer<unsigned>(*at++);
    RequestTally& tally = out.by_class.at(which >> kNumbers.size());
    for (std::size_t i = 0; i < kNumbers.size(); ++i)
      if ((which >> i & 1U) != 0) tally.*kNumbers[i] = take_varint([&at] { return *at++; });
  }
  return out;
}

bool RequestCounter::pack(const RequestCounts& counts) noexcept {
  std::array<std::byte, kRequestClasses * (1 + kNumbers.size() * kLongestVarint)> bytes;
  std::size_t size = 0;
  for (std::size_t kind = 0; kind < kRequestClasses; ++kind) {
    const RequestTally& tally = counts.by_class[kind];
    if (tally == RequestTally()) continue;
    auto which = static_cast<unsigned>(kind << kNumbers.size());
    const std::size_t start = size++;
    for (std::size_t i = 0; i < kNumbers.size(); ++i) {
      if (tally.*kNumbers[i] == 0) continue;
      which |= 1U << i;
      put_varint(tally.*kNumbers[i], [&](std::byte byte) { bytes[size++] = byte; });
    }
    bytes[start] = static_cast<std::byte>(which);
  }
  if (size > packed_.size()) return false;
  std::copy_n(bytes.begin(), size, packed_.begin());
  packed_size_ = static_cast<std::uint8_t>(size);
  return true;
}

void RequestCounter::add(RequestClass kind, const RequestTally& tally) noexcept {
  {
    const Hold hold(held_);
    if (plain_) {
      (*plain_)[kind] += tally;
    } else {
      RequestCounts counts = unpacked();
      counts[kind] += tally;
      if (!pack(counts)) plain_ = std::make_unique<RequestCounts>(counts);
    }
  }
  if (sum_ != nullptr) sum_->add(kind, tally);
}

RequestCounts RequestCounter::counts() const noexcept {
  const Hold hold(held_);
  return plain_ ? *plain_ : unpacked();
}

}  // namespace replica
