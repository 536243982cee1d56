#include "tasks.hpp"

#include "data.hpp"
#include "ltx/checksum.hpp"

namespace micro {

using namespace replica;

namespace {

constexpr std::uint64_t kFrames = 1000;
constexpr std::uint64_t kBytes = kFrames * kPageSize;

void expect(bool holds, const char* what) {
  if (!holds) give_up(what);
}

// What nobody reads.
class Nowhere final : public Writer {
 public:
  Result<void> write(Bytes data) override {
    bytes += data.size();
    return {};
  }
  std::uint64_t bytes = 0;
};

Task wal_decode() {
  return {"wal_decode", kBytes, [log = make_log(kFrames, 400)] {
            const WalHeader header = must(parse_wal_header(log));
            WalDecoder decoder(header);
            ChangesetBuilder builder;
            const std::uint64_t step = wal_frame_size(kPageSize);
            for (std::uint64_t n = 0; n < kFrames; ++n) {
              const auto frame = decoder.next(Bytes(log).subspan(wal_offset(n, kPageSize), step));
              expect(frame.has_value(), "a frame is not valid");
              builder.add(*frame, n);
            }
            expect(builder.take().pages.size() == 400, "pages are missing in the changeset");
          }};
}

Task ltx_encode() {
  std::vector<ByteVector> pages;
  for (std::uint64_t n = 0; n < kFrames; ++n) pages.push_back(page_image(n));
  return {"ltx_encode", kBytes, [pages = std::move(pages)] {
            Nowhere out;
            LtxHeader header;
            header.page_size = kPageSize;
            header.commit = kFrames + 1;
            header.range = {TxId{2}, TxId{2}};
            auto encoder = must(LtxEncoder::begin(out, header));
            PageNo page = 1;
            for (const ByteVector& image : pages) must(encoder.add(++page, image));
            must(encoder.finish());
            expect(out.bytes > kFrames * 1000, "the file is too small");
          }};
}

Task ltx_decode() {
  return {"ltx_decode", kBytes, [file = make_file(TxId{2}, 2, 1, kFrames)] {
            MemorySource in(file);
            auto decoder = must(LtxDecoder::begin(in));
            std::uint64_t pages = 0;
            while (must(decoder.next())) ++pages;
            expect(pages == kFrames, "pages are missing in the file");
          }};
}

Task ltx_merge() {
  std::vector<ByteVector> files;
  for (std::uint32_t n = 0; n < 4; ++n) files.push_back(make_file(TxId{2 + n}, 2 + n, 3, kFrames / 4));
  return {"ltx_merge", kBytes, [files = std::move(files)] {
            std::vector<MemorySource> bodies;
            bodies.reserve(files.size());
            std::vector<LtxDecoder> inputs;
            for (const ByteVector& file : files) {
              bodies.emplace_back(file);
              inputs.push_back(must(LtxDecoder::begin(bodies.back())));
            }
            Nowhere out;
            expect(must(merge_ltx(inputs, out, {})).range == TxRange{TxId{2}, TxId{5}}, "another range was merged");
          }};
}

Task crc(const char* name, std::uint64_t (*sum)(std::uint64_t, Bytes)) {
  ByteVector data;
  for (std::uint64_t n = 0; n < 256; ++n) {
    const ByteVector page = page_image(n);
    data.insert(data.end(), page.begin(), page.end());
  }
  const std::uint64_t expected = ltx::crc64_table(~0ULL, data);
  return {name, data.size(),
          [data = std::move(data), sum, expected] { expect(sum(~0ULL, data) == expected, "the checksums differ"); }};
}

}  // namespace

void add_storage_tasks(std::vector<Task>& tasks) {
  tasks.push_back(wal_decode());
  tasks.push_back(ltx_encode());
  tasks.push_back(ltx_decode());
  tasks.push_back(ltx_merge());
  if (ltx::has_carryless_multiply()) tasks.push_back(crc("crc64", ltx::crc64_carryless));
  tasks.push_back(crc("crc64_table", ltx::crc64_table));
}

}  // namespace micro
