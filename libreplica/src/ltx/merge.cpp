// Adjacent files into one (compaction). docs/ltx-format.md §8.
#include <queue>

#include "base/text.hpp"
#include "replica/ltx.hpp"

namespace replica {
namespace {

// The next page of one input; the newer input comes first among equals.
struct Head {
  LtxPage page;
  std::size_t input = 0;
  bool operator>(const Head& other) const noexcept {
    return page.page != other.page.page ? page.page > other.page.page : input < other.input;
  }
};

using Heads = std::priority_queue<Head, std::vector<Head>, std::greater<>>;

Result<void> advance(std::vector<LtxDecoder>& inputs, std::size_t input, Heads& heads) {
  auto page = inputs[input].next();
  if (!page) return pass(page, ltx_file_name(inputs[input].header().range));
  if (*page) heads.push({**page, input});
  return {};
}

}  // namespace

Result<LtxHeader> merged_header(const std::vector<LtxHeader>& inputs) {
  if (inputs.empty()) return fail(Errc::invalid_argument, "nothing to merge");
  for (std::size_t i = 1; i < inputs.size(); ++i) {
    const LtxHeader &before = inputs[i - 1], &after = inputs[i];
    if (before.page_size != after.page_size) {
      return fail(Errc::invalid_argument,
                  base::concat("input files have mismatched page sizes: ", before.page_size, " != ", after.page_size));
    }
    if (after.range.min > before.range.max.next() || after.range.max <= before.range.max) {
      return fail(Errc::invalid_argument, "non-contiguous transaction ids in input files: (" + before.range.min.text() +
                                              "," + before.range.max.text() + ") -> (" + after.range.min.text() + "," +
                                              after.range.max.text() + ")");
    }
  }
  LtxHeader merged;
  merged.page_size = inputs.front().page_size;
  merged.commit = inputs.back().commit;
  merged.range = {inputs.front().range.min, inputs.back().range.max};
  merged.timestamp = inputs.back().timestamp;
  return merged;
}

Result<LtxHeader> merge_ltx(std::vector<LtxDecoder>& inputs, Writer& out, const Call& call) {
  if (auto r = call.check("merge"); !r) return pass(r);
  std::vector<LtxHeader> headers;
  headers.reserve(inputs.size());
  for (const LtxDecoder& input : inputs) headers.push_back(input.header());
  auto header = merged_header(headers);
  if (!header) return header;
  auto encoder = LtxEncoder::begin(out, *header);
  if (!encoder) return pass(encoder);

  Heads heads;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    if (auto r = advance(inputs, i, heads); !r) return pass(r);
  }
  constexpr PageNo kCheckEvery = 1024;
  PageNo written = 0, steps = 0;
  while (!heads.empty()) {
    if (++steps % kCheckEvery == 0) {
      if (auto r = call.check("merge"); !r) return pass(r);
    }
    const Head head = heads.top();
    heads.pop();
    if (head.page.page != written && head.page.page <= header->commit) {
      if (auto r = encoder->add(head.page); !r) return pass(r);
      written = head.page.page;
    }
    if (auto r = advance(inputs, head.input, heads); !r) return pass(r);
  }
  if (auto r = encoder->finish(); !r) return pass(r);
  return header;
}

}  // namespace replica
