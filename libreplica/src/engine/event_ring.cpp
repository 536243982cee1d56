#include "engine/event_ring.hpp"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <type_traits>
#include <utility>

namespace replica::engine {
namespace {

// Goes before the texts, which follow in this order.
struct Head {
  Timestamp time;
  TxId txid;
  std::uint32_t path, code, detail, replica;  // their lengths
  EventKind kind;
  std::optional<Level> level;

  std::size_t texts() const { return std::size_t{path} + code + detail + replica; }
};
static_assert(std::is_trivially_copyable_v<Head>);

std::uint32_t length(const std::string& text) { return static_cast<std::uint32_t>(text.size()); }

Head head_at(const char* at) {
  Head head;
  std::memcpy(&head, at, sizeof head);
  return head;
}

const char* behind(const char* at) { return at + sizeof(Head) + head_at(at).texts(); }

Event unpack(const char* at) {
  const Head head = head_at(at);
  at += sizeof head;
  const auto text = [&](std::uint32_t size) { return std::string(std::exchange(at, at + size), size); };
  Event event{.time = head.time, .kind = head.kind, .path = text(head.path), .txid = head.txid, .level = head.level};
  event.code = text(head.code);
  event.detail = text(head.detail);
  event.replica = text(head.replica);
  return event;
}

}  // namespace

void EventRing::push(const Event& event) {
  if (last_ == kEach) {
    if (!blocks_.empty()) blocks_.back().shrink_to_fit();
    blocks_.emplace_back();
    last_ = 0;
  }
  const Head head{event.time,         event.txid,           length(event.path),
                  length(event.code), length(event.detail), length(event.replica),
                  event.kind,         event.level};
  std::string& block = blocks_.back();
  block.append(reinterpret_cast<const char*>(&head), sizeof head);
  block.append(event.path).append(event.code).append(event.detail).append(event.replica);
  ++last_;
  if (size_ < capacity_) {
    ++size_;
  } else if (++gone_ == kEach) {
    blocks_.pop_front();
    gone_ = 0;
  }
}

std::vector<Event> EventRing::copy(std::size_t first, std::size_t limit) const {
  std::vector<Event> events;
  const std::size_t end = gone_ + size_;
  std::size_t number = gone_ + std::min(first, size_);
  events.reserve(std::min(limit, end - number));
  while (number < end && events.size() < limit) {
    const char* at = blocks_[number / kEach].data();
    for (std::size_t skipped = number % kEach; skipped > 0; --skipped) at = behind(at);
    for (const std::size_t block_end = std::min(end, (number / kEach + 1) * kEach);
         number < block_end && events.size() < limit; ++number, at = behind(at))
      events.push_back(unpack(at));
  }
  return events;
}

}  // namespace replica::engine
