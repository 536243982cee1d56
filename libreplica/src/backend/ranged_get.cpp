#include "backend/ranged_get.hpp"

#include <charconv>

#include "backend/transfer.hpp"
#include "base/text.hpp"

namespace replica::backend {
namespace {

// "bytes FIRST-LAST/SIZE"
struct ContentRange {
  std::uint64_t first = 0, last = 0;
};

std::optional<ContentRange> parse_content_range(std::string_view text) {
  constexpr std::string_view kUnit = "bytes ";
  if (!text.starts_with(kUnit)) return std::nullopt;
  ContentRange out;
  const char* const end = text.data() + text.size();
  auto at = std::from_chars(text.data() + kUnit.size(), end, out.first);
  if (at.ec != std::errc() || at.ptr == end || *at.ptr != '-') return std::nullopt;
  at = std::from_chars(at.ptr + 1, end, out.last);
  if (at.ec != std::errc() || out.last < out.first) return std::nullopt;
  return out;
}

}  // namespace

std::optional<std::uint64_t> parse_number(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

bool RangedGet::needs_no_bytes(ByteRange range) noexcept {
  return range.length && (*range.length == 0 || *range.length > ~range.offset);
}

Result<void> RangedGet::Counting::write(Bytes data) {
  const auto dropped = static_cast<std::size_t>(std::min<std::uint64_t>(skip_, data.size()));
  skip_ -= dropped;
  data = data.subspan(dropped);
  if (left_) {
    data = data.first(static_cast<std::size_t>(std::min<std::uint64_t>(*left_, data.size())));
    *left_ -= data.size();
  }
  count_ += data.size();
  if (!data.empty()) {
    if (auto written = out_.write(data); !written) return written;
  }
  if (has_enough()) return fail(Errc::cancelled, "enough");
  return {};
}

void RangedGet::Counting::cut(ByteRange range) {
  skip_ = range.offset;
  left_ = range.length;
}

Result<void> RangedGet::Counting::reset() {
  count_ = 0;
  return out_.reset();
}

Result<void> RangedGet::see(const http::Response& head) {
  if (!head.ok()) return {};
  if (head.status == 200 && may_be_whole_) {
    out_.cut(range_);
    return {};
  }
  const auto got = parse_content_range(head.header("content-range"));
  if (head.status != 206 || !got || got->first != range_.offset)
    return fail(Errc::unsupported, "the store gives other bytes than were asked for");
  expected_ = got->last - got->first + 1;
  if (range_.length && expected_ != range_.length) return fail(Errc::out_of_range, "range beyond the end");
  return {};
}

void RangedGet::prepare(std::vector<http::Header>& headers, Sink*& out,
                        std::function<Result<void>(const http::Response&)>& on_head) {
  out = &out_;
  if (!is_part()) return;
  std::string text = base::concat("bytes=", range_.offset, "-");
  if (range_.length) text += std::to_string(range_.offset + (*range_.length - 1));
  headers.push_back({.name = "Range", .value = std::move(text)});
  on_head = [this](const http::Response& head) { return see(head); };
}

Result<std::uint64_t> RangedGet::finish(std::string_view what) const {
  if (out_.is_short()) return fail(Errc::out_of_range, base::concat(what, ": range beyond the end"));
  if (expected_ && out_.count() != *expected_)
    return fail(Errc::unavailable, base::concat(what, ": the body ends after ", out_.count(), " bytes"));
  return out_.count();
}

Result<std::uint64_t> judge_range(Backend& store, std::string_view key, ByteRange range, Error error,
                                  const Call& call) {
  auto info = store.stat(key, call);
  if (!info) return pass(info);
  auto end = end_of(range, info->size, key);
  if (!end) return pass(end);
  if (*end == range.offset) return 0;
  return Failure(std::move(error));
}

}  // namespace replica::backend
