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
  RangedGet(ByteRange range, Sink& out) : range_(range), out_(out) {}
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
  // The number of bytes, after the answer came; `unavailable` when the body ended early.
  Result<std::uint64_t> finish(std::string_view what) const;

 private:
  class Counting final : public Sink {
   public:
    explicit Counting(Sink& out) : out_(out) {}
    std::uint64_t count() const noexcept { return count_; }
    Result<void> write(Bytes data) override;
    Result<void> reset() override;

   private:
    Sink& out_;
    std::uint64_t count_ = 0;
  };

  Result<void> see(const http::Response& head);

  const ByteRange range_;
  Counting out_;
  std::optional<std::uint64_t> expected_;
};

// A range that needs no bytes, or that the store refused or cut with `error`: what does the size of the object say?
Result<std::uint64_t> judge_range(Backend& store, std::string_view key, ByteRange range, Error error, const Call& call);

}  // namespace replica::backend
