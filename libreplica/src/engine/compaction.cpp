#include <algorithm>
#include <atomic>
#include <tuple>
#include <utility>

#include "engine/maintain.hpp"
#include "io/file.hpp"

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

// A file that is gone with this object.
class MergeOutput final : public Writer {
 public:
  static Result<MergeOutput> create(const std::string& directory, const std::string& name, io::Gate* gate) {
    if (auto made = io::make_directories(directory, gate); !made) return pass(made);
    MergeOutput output;
    output.gate_ = gate;
    static std::atomic<unsigned> count{0};  // two destinations may compact the same files at once
    output.path_ = io::temp_name(directory + "/" + name + "." + std::to_string(count++));
    auto file = io::File::open(output.path_, io::File::Mode::create_or_truncate, gate, 0600);
    if (!file) return pass(file);
    output.file_ = std::move(*file);
    return output;
  }
  MergeOutput(MergeOutput&& other) noexcept
      : path_(std::exchange(other.path_, {})), file_(std::move(other.file_)), gate_(other.gate_) {}
  MergeOutput& operator=(MergeOutput&&) = delete;
  ~MergeOutput() override {
    if (path_.empty()) return;
    file_.close();
    // What cannot be removed now has a temp name and goes at the next start.
    std::ignore = io::remove_file(path_);
  }

  Result<void> write(Bytes data) override { return file_.append(data); }
  Result<io::FileSource> source() const { return io::FileSource::open(path_, gate_); }

 private:
  MergeOutput() = default;
  std::string path_;
  io::File file_;
  io::Gate* gate_ = nullptr;
};

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
      MergeOutput::create(scratch_directory, std::to_string(target) + "-" + ltx_file_name(header->range), gate);
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
