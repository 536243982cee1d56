#include <algorithm>

#include "engine/maintain.hpp"
#include "engine/scratch_file.hpp"

namespace replica::engine {
namespace {

// "0000000000000005" or "0000000000000005-0000000000000007".
std::string describe(TxId first, TxId last) { return first == last ? first.text() : first.text() + "-" + last.text(); }

bool continues(TxRange next, TxId end) { return next.min <= end.next() && next.max > end; }

// The inputs of one merge, opened up to the end of the run.
struct Run {
  std::vector<std::unique_ptr<Reader>> readers;
  std::vector<LtxDecoder> decoders;
  std::vector<LtxHeader> headers;
  std::size_t inputs = 0;
};

Result<Run> open_run(const std::vector<LtxFileInfo>& inputs, const OpenInput& open, const Call& call) {
  Run run;
  for (const auto& input : inputs) {
    if (auto going = call.check("compact"); !going) return pass(going);
    if (!run.headers.empty()) {
      const TxId end = run.headers.back().range.max;
      if (input.range.min > end.next()) break;
      if (input.range.max <= end) {
        ++run.inputs;
        continue;
      }
    }
    auto reader = open(input);
    // No more can be opened at once (too many files are): what is open is merged, the rest by the next run.
    if (!reader && reader.error().code == Errc::unavailable && run.headers.size() > 1) break;
    if (!reader) return pass(reader, "open " + input.name());
    auto decoder = LtxDecoder::begin(**reader);
    if (!decoder) return pass(decoder, "read " + input.name());
    const LtxHeader header = decoder->header();
    if (header.range != input.range) {
      return fail(Errc::corrupt, "ltx file named " + input.name() + " holds " + ltx_file_name(header.range));
    }
    if (!run.headers.empty() && header.page_size != run.headers.front().page_size) break;
    run.readers.push_back(std::move(*reader));
    run.decoders.push_back(std::move(*decoder));
    run.headers.push_back(header);
    ++run.inputs;
  }
  return run;
}

}  // namespace

Result<std::vector<LtxFileInfo>> plan_compaction(const std::vector<LtxFileInfo>& below,
                                                 std::optional<LtxFileInfo> newest, std::size_t max_inputs) {
  auto files = below;
  std::sort(files.begin(), files.end(), [](const auto& a, const auto& b) { return a.range < b.range; });
  std::vector<LtxFileInfo> run;
  if (files.empty()) return run;

  TxId end = newest ? newest->range.max : TxId{files.front().range.min.value - 1};
  auto next = files.begin();
  while (run.size() < max_inputs) {
    // Of all that continue the run the one that reaches furthest; the others are covered by it.
    const LtxFileInfo* best = nullptr;
    for (; next != files.end() && next->range.min <= end.next(); ++next) {
      if (continues(next->range, end) && (best == nullptr || next->range.max > best->range.max)) best = &*next;
    }
    if (best == nullptr) break;
    run.push_back(*best);
    end = best->range.max;
  }
  if (run.empty() && newest && next != files.end()) {
    const TxId last_missing{next->range.min.value - 1};
    return fail(Errc::corrupt,
                "cannot compact: level " + std::to_string(next->level) + " has no file for txid " +
                    describe(end.next(), last_missing),
                "the missing files are to be uploaded again, or a new snapshot taken");
  }
  return run;
}

Result<CompactionResult> compact(Replica& replica, Level target, const std::vector<LtxFileInfo>& inputs,
                                 const OpenInput& open, const std::string& scratch_directory, const Call& call,
                                 io::Gate* gate) {
  const std::string doing = "compact to level " + std::to_string(target);
  if (inputs.empty()) return fail(Errc::invalid_argument, doing + ": no inputs");
  auto run = open_run(inputs, open, call);
  if (!run) return pass(run, doing);
  auto header = merged_header(run->headers);
  if (!header) return pass(header, doing);

  auto scratch =
      ScratchOutput::create(scratch_directory, std::to_string(target) + "-" + ltx_file_name(header->range), gate);
  if (!scratch) return pass(scratch, doing);
  auto merged = merge_ltx(run->decoders, *scratch, call);
  if (!merged) return pass(merged, doing);
  run->decoders.clear();
  run->readers.clear();

  auto body = scratch->source();
  if (!body) return pass(body, doing);
  auto file = replica.write(target, merged->range, merged->timestamp, *body, call);
  if (!file) return pass(file, doing);
  return CompactionResult{.file = *file, .inputs = run->inputs};
}

}  // namespace replica::engine
