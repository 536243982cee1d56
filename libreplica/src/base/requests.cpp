#include "replica/requests.hpp"

namespace replica {
namespace {

void increase(std::atomic<std::uint64_t>& cell, std::uint64_t by) noexcept {
  if (by > 0) cell.fetch_add(by, std::memory_order_relaxed);
}

}  // namespace

std::string_view name(RequestClass kind) noexcept {
  constexpr std::array<std::string_view, kRequestClasses> kNames{"put",    "get",   "list", "stat",
                                                                 "remove", "other", "login"};
  return kNames.at(static_cast<std::size_t>(kind));
}

RequestTally& RequestTally::operator+=(const RequestTally& other) noexcept {
  requests += other.requests;
  errors += other.errors;
  retries += other.retries;
  bytes_sent += other.bytes_sent;
  bytes_received += other.bytes_received;
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

void RequestCounter::add(RequestClass kind, const RequestTally& tally) noexcept {
  Cells& cells = cells_.at(static_cast<std::size_t>(kind));
  increase(cells.requests, tally.requests);
  increase(cells.errors, tally.errors);
  increase(cells.retries, tally.retries);
  increase(cells.bytes_sent, tally.bytes_sent);
  increase(cells.bytes_received, tally.bytes_received);
  if (sum_ != nullptr) sum_->add(kind, tally);
}

RequestCounts RequestCounter::counts() const noexcept {
  RequestCounts out;
  for (std::size_t i = 0; i < kRequestClasses; ++i) {
    const Cells& cells = cells_.at(i);
    out.by_class.at(i) = {.requests = cells.requests.load(std::memory_order_relaxed),
                          .errors = cells.errors.load(std::memory_order_relaxed),
                          .retries = cells.retries.load(std::memory_order_relaxed),
                          .bytes_sent = cells.bytes_sent.load(std::memory_order_relaxed),
                          .bytes_received = cells.bytes_received.load(std::memory_order_relaxed)};
  }
  return out;
}

}  // namespace replica
