#include "restore/rollback_journal.hpp"

#include <algorithm>
#include <array>
#include <random>

#include "base/endian.hpp"

namespace replica::restore {
namespace {

constexpr std::array<unsigned char, 8> kMagic = {0xd9, 0xd5, 0x05, 0xf9, 0x20, 0xa1, 0x63, 0xd7};
constexpr std::uint32_t kSector = 512;  // size of the header; any power of two from 32 on would do
constexpr std::uint32_t kToTheEnd = 0xffffffff;
constexpr std::size_t kChecksumStep = 200;

std::uint32_t checksum(std::uint32_t nonce, Bytes image) {
  for (std::size_t at = image.size() - kChecksumStep; at > 0 && at < image.size(); at -= kChecksumStep)
    nonce += std::to_integer<std::uint32_t>(image[at]);
  return nonce;
}

}  // namespace

std::string journal_of(const std::string& database) { return database + "-journal"; }

Result<bool> has_journal(const std::string& database, io::Gate* gate) {
  auto file = io::File::open(journal_of(database), io::File::Mode::read, gate);
  if (!file && file.error().code == Errc::not_found) return false;
  if (!file) return pass(file, "look for a journal");
  std::array<std::byte, 1> first{};
  auto got = file->read_at(0, first);
  if (!got) return pass(got, "look for a journal");
  return *got == 1 && first[0] != std::byte{0};
}

Result<RollbackJournal> RollbackJournal::create(const std::string& database, std::uint32_t page_size,
                                                PageNo database_pages, const io::FileInfo& like, io::Gate* gate) {
  auto file = io::AtomicFile::create(journal_of(database), gate, &like);
  if (!file) return pass(file, "write journal");
  std::array<std::byte, kSector> header{};
  std::transform(kMagic.begin(), kMagic.end(), header.begin(), [](unsigned char c) { return std::byte{c}; });
  const std::uint32_t nonce = std::random_device{}();
  std::size_t at = kMagic.size();
  for (const std::uint32_t field : {kToTheEnd, nonce, database_pages, kSector, page_size}) {
    base::store_be(header.data() + at, field);
    at += 4;
  }
  if (auto written = file->write(header); !written) return pass(written, "write journal");
  return RollbackJournal(std::move(*file), nonce);
}

Result<void> RollbackJournal::add(PageNo page, Bytes old_image) {
  std::array<std::byte, 4> number{};
  std::array<std::byte, 4> sum{};
  base::store_be(number.data(), page);
  base::store_be(sum.data(), checksum(nonce_, old_image));
  for (const Bytes part : {Bytes(number), old_image, Bytes(sum)})
    if (auto written = file_.write(part); !written) return pass(written, "write journal");
  return {};
}

Result<void> RollbackJournal::remove(const std::string& database, io::Gate* gate) {
  if (auto removed = io::remove_file(journal_of(database), gate); !removed) return pass(removed);
  return io::sync_directory(io::parent_of(database), gate);
}

}  // namespace replica::restore
