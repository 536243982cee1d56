// A GET of a range over HTTP: how it is asked for, and whether what comes is what was asked for.
#pragma once

#include "http/message.hpp"
#include "replica/backend.hpp"

namespace replica::backend {

// The whole text as a number; nullopt for anything else.
std::optional<std::uint64_t> parse_number(std::string_view text);

class RangedGet {
 public:
  // HTTP has no words for an empty range: see needs_no_bytes.
  // `may_be_whole`: a store that answers a range with the whole is read from its beginning, and what was not asked for
  // is dropped.
  RangedGet(ByteRange range, Sink& out, bool may_be_whole = false)
      : range_(range), may_be_whole_(may_be_whole), out_(out) {}
  RangedGet(const RangedGet&) = delete;
  RangedGet& operator=(const RangedGet&) = delete;

  // An empty range, or one that no object is long enough for: what stat says decides.
  static bool needs_no_bytes(ByteRange range) noexcept;

  bool is_part() const noexcept { return range_.offset > 0 || range_.length; }
  // Gives the request its Range, its sink and the look at the head of the answer. `unsupported` when the store answers
  // with other bytes, out_of_range when it has fewer.
  void prepare(http::Request& request) { prepare(request.headers, request.out, request.on_head); }
  void prepare(std::vector<http::Header>& headers, Sink*& out,
               std::function<Result<void>(const http::Response&)>& on_head);
  // The transfer was ended because all that was asked for is there: its error is none.
  bool has_enough() const noexcept { return out_.has_enough(); }
  // The number of bytes, after the answer came; `unavailable` when the body ended early.
  Result<std::uint64_t> finish(std::string_view what) const;

 private:
  class Counting final : public Sink {
   public:
    explicit Counting(Sink& out) : out_(out) {}
    std::uint64_t count() const noexcept { return count_; }
    void cut(ByteRange range);
    bool has_enough() const noexcept { return left_ == 0U; }
    bool is_short() const noexcept { return skip_ > 0 || left_.value_or(0) > 0; }
    Result<void> write(Bytes data) override;
    Result<void> reset() override;

   private:
    Sink& out_;
    std::uint64_t count_ = 0, skip_ = 0;
    std::optional<std::uint64_t> left_;  // nullopt = all that comes
  };

  Result<void> see(const http::Response& head);

  const ByteRange range_;
  const bool may_be_whole_;
  Counting out_;
  std::optional<std::uint64_t> expected_;
};

// A range that needs no bytes, or that the store refused or cut with `error`: what does the size of the object say?
Result<std::uint64_t> judge_range(Backend& store, std::string_view key, ByteRange range, Error error, const Call& call);

}  // namespace replica::backend
