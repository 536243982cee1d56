#include "backend/parts.hpp"

#include <algorithm>
#include <optional>

#include "base/text.hpp"

namespace replica::backend {

using base::concat;

namespace {

constexpr int kMostSends = 3;

// A part that is being sent.
struct Slot {
  enum class State { free, ready, sending };
  State state = State::free;
  std::size_t number = 0;  // from 1
  int sends = 0;
  std::vector<std::byte> data;
  std::optional<MemorySource> body;
  http::Request request;
};

class PartFeed final : public http::Feed {
 public:
  PartFeed(PartStore& store, std::string what, Source& body, const PartOptions& options)
      : store_(store),
        what_(std::move(what)),
        body_(body),
        part_size_(options.part_size),
        left_(body.size()),
        slots_(std::min(options.concurrency, part_count(body.size(), options.part_size))) {}

  Result<const http::Request*> next() override;
  Result<void> done(const http::Request& request, Result<http::Response> answer) override;

 private:
  Slot* find(Slot::State state);
  Result<void> load(Slot& slot);
  Result<void> check_end();

  PartStore& store_;
  const std::string what_;
  Source& body_;
  const std::uint64_t part_size_;
  std::uint64_t left_;
  std::size_t loaded_ = 0;  // parts
  std::vector<Slot> slots_;
};

Slot* PartFeed::find(Slot::State state) {
  const auto found = std::find_if(slots_.begin(), slots_.end(), [&](const Slot& s) { return s.state == state; });
  return found == slots_.end() ? nullptr : &*found;
}

// A body of another length than it said is found out before the upload is completed.
Result<void> PartFeed::check_end() {
  std::byte more{};
  auto beyond = body_.read(MutableBytes(&more, 1));
  if (!beyond) return pass(beyond, "read body");
  if (*beyond > 0) return fail(Errc::corrupt, concat(what_, ": body has more than ", body_.size(), " bytes"));
  return {};
}

Result<void> PartFeed::load(Slot& slot) {
  slot.data.resize(static_cast<std::size_t>(std::min(left_, part_size_)));
  if (auto read = read_exactly(body_, slot.data); !read) {
    if (read.error().code != Errc::corrupt) return pass(read, "read body");
    return fail(Errc::corrupt, concat(what_, ": body has less than ", body_.size(), " bytes"));
  }
  left_ -= slot.data.size();
  if (left_ == 0) {
    if (auto ended = check_end(); !ended) return ended;
  }
  slot.number = ++loaded_;
  slot.sends = 0;
  slot.state = Slot::State::ready;
  return {};
}

Result<const http::Request*> PartFeed::next() {
  Slot* slot = find(Slot::State::ready);
  if (slot == nullptr && left_ > 0) {
    slot = find(Slot::State::free);
    if (slot != nullptr)
      if (auto loaded = load(*slot); !loaded) return pass(loaded);
  }
  if (slot == nullptr) return nullptr;
  auto request = store_.prepare(slot->number, slot->data, slot->body.emplace(slot->data));
  if (!request) return pass(request, what_);
  slot->request = std::move(*request);
  slot->state = Slot::State::sending;
  slot->request.repeats = slot->sends > 0;
  ++slot->sends;
  return &slot->request;
}

Result<void> PartFeed::done(const http::Request& request, Result<http::Response> answer) {
  Slot& slot = *std::find_if(slots_.begin(), slots_.end(), [&](const Slot& s) { return &s.request == &request; });
  const std::string what = concat(what_, " part ", slot.number);
  if (answer && answer->ok()) {
    slot.state = Slot::State::free;
    return store_.stored(slot.number, *answer, what);
  }
  Error error = answer ? store_.error_of(*answer, what) : std::move(answer.error()).within(what);
  const bool again = is_retryable(error) && error.code != Errc::busy && slot.sends < kMostSends;
  if (!again) return Failure(std::move(error));
  slot.state = Slot::State::ready;
  return {};
}

}  // namespace

std::uint64_t part_size_for(std::uint64_t body, std::uint64_t wanted, std::uint64_t most) noexcept {
  const std::uint64_t least = body / most + (body % most == 0 ? 0 : 1);
  return std::max({wanted, least, std::uint64_t{1}});
}

std::size_t part_count(std::uint64_t body, std::uint64_t part_size) noexcept {
  return static_cast<std::size_t>(body / part_size + (body % part_size == 0 ? 0 : 1));
}

Result<void> send_parts(http::Client& client, PartStore& store, Source& body, const PartOptions& options,
                        const std::string& what, const Call& call) {
  PartFeed feed(store, what, body, options);
  return client.send_all(feed, options.concurrency, call);
}

}  // namespace replica::backend
