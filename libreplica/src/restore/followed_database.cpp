#include "restore/followed_database.hpp"

#include <algorithm>
#include <array>
#include <cstring>

#include "base/endian.hpp"
#include "io/sqlite.hpp"
#include "restore/rollback_journal.hpp"

namespace replica::restore {
namespace {

// https://www.sqlite.org/fileformat2.html#the_database_header
constexpr std::size_t kHeaderSize = 100;
constexpr std::size_t kPageSizeAt = 16;
constexpr std::size_t kVersionsAt = 18;  // of writing and reading: 1 = rollback journal, 2 = WAL
constexpr std::size_t kChangeCounterAt = 24;
constexpr std::size_t kPagesAt = 28;
constexpr std::size_t kValidForAt = 92;  // the change counter for which kPagesAt is right
constexpr std::string_view kMagic{"SQLite format 3\0", 16};

Result<std::uint32_t> page_size_of(const io::File& file) {
  std::array<std::byte, kHeaderSize> header{};
  auto got = file.read_at(0, header);
  if (!got) return pass(got);
  const std::uint32_t size = base::load_be<std::uint16_t>(header.data() + kPageSizeAt);
  const std::uint32_t page_size = size == 1 ? 65536 : size;
  if (*got < kHeaderSize || std::memcmp(header.data(), kMagic.data(), kMagic.size()) != 0 || !is_page_size(page_size))
    return fail(Errc::precondition_failed, "cannot follow into " + file.path() + ": it is no database",
                "delete it and its -txid file to restore anew");
  return page_size;
}

Failure busy(const std::string& why, const std::string& path) {
  return fail(Errc::busy, "cannot write to " + path + ": " + why);
}

}  // namespace

void mark_first_page(MutableBytes page, PageNo commit, TxId position) {
  page[kVersionsAt] = page[kVersionsAt + 1] = std::byte{1};
  base::store_be(&page[kChangeCounterAt], change_counter(position));
  base::store_be(&page[kPagesAt], commit);
  base::store_be(&page[kValidForAt], change_counter(position));
}

Result<void> FollowedDatabase::mark_file(const std::string& path, TxId position, io::Gate* gate) {
  auto file = io::File::open(path, io::File::Mode::read_write, gate);
  if (!file) return pass(file);
  auto page_size = page_size_of(*file);
  if (!page_size) return pass(page_size);
  auto info = file->info();
  if (!info) return pass(info);
  std::array<std::byte, kHeaderSize> header{};
  if (auto got = file->read_exactly_at(0, header); !got) return pass(got);
  mark_first_page(header, static_cast<PageNo>(info->size / *page_size), position);
  return file->write_at(0, header);
}

FollowedDatabase::FollowedDatabase(const std::string& path, io::File file, std::uint32_t page_size, io::Gate* gate)
    : path_(path), file_(std::move(file)), page_size_(page_size), gate_(gate), position_(path, gate) {}

Result<FollowedDatabase> FollowedDatabase::open(const std::string& path, io::Gate* gate) {
  auto file = io::File::open(path, io::File::Mode::read_write, gate);
  if (!file) return pass(file);
  auto alone = file->try_lock_exclusive();
  if (!alone) return pass(alone);
  if (!*alone) return fail(Errc::busy, "another process follows into " + path);
  auto page_size = page_size_of(*file);
  if (!page_size) return pass(page_size);
  return FollowedDatabase(path, std::move(*file), *page_size, gate);
}

Result<PageNo> FollowedDatabase::pages() const {
  auto info = file_.info();
  if (!info) return pass(info);
  return static_cast<PageNo>(info->size / page_size_);
}

Result<std::optional<TxId>> FollowedDatabase::recover(std::chrono::milliseconds patience) {
  auto journal = has_journal(path_, gate_);
  if (!journal) return pass(journal);
  if (*journal) {
    auto sqlite = io::Connection::open(path_, {.busy_timeout = patience, .gate = gate_});
    if (!sqlite) return pass(sqlite, "roll back");
    if (auto read = sqlite->begin_read(); !read) return pass(read, "roll back");
    if (auto read = sqlite->end_read(); !read) return pass(read, "roll back");
  }
  // No journal may come back once the position is renamed.
  if (auto synced = io::sync_directory(io::parent_of(path_), gate_); !synced) return pass(synced);
  if (const auto next = position_.prepared()) {
    auto reached = is_at(*next);
    if (!reached) return pass(reached);
    auto settled = *reached ? position_.commit() : position_.discard();
    if (!settled) return pass(settled);
  } else if (auto cleared = position_.discard(); !cleared) {
    return pass(cleared);
  }
  return position_.saved();
}

Result<bool> FollowedDatabase::is_at(TxId position) const {
  std::array<std::byte, kHeaderSize> header{};
  auto got = file_.read_at(0, header);
  if (!got) return pass(got);
  return *got == kHeaderSize && header[kVersionsAt] == std::byte{1} &&
         base::load_be<std::uint32_t>(&header[kChangeCounterAt]) == change_counter(position);
}

// Somebody may have put another database under the name; ours has no readers then.
Result<void> FollowedDatabase::check_name() const {
  auto mine = file_.info();
  if (!mine) return pass(mine);
  auto named = io::stat_path(path_);
  if (named && named->inode == mine->inode && named->device == mine->device) return {};
  if (!named && named.error().code != Errc::not_found) return pass(named);
  return fail(Errc::precondition_failed, "somebody removed or replaced " + path_ + " while it was followed");
}

Result<FollowedDatabase::Applied> FollowedDatabase::apply(const Change& change, const Pause& pause) {
  if (auto named = check_name(); !named) return pass(named);
  io::DatabaseLock lock(file_, gate_);
  while (true) {
    auto reserved = lock.try_reserve();
    if (!reserved) return pass(reserved);
    if (*reserved) break;
    if (!pause()) return busy("somebody else writes", path_);
  }
  auto applied = apply_reserved(change, lock, pause);
  lock.release();
  if (!applied || *applied == Applied::changed_by_others) return applied;
  // From here on a crash is settled by recover().
  if (auto saved = position_.commit(); !saved) return pass(saved);
  return applied;
}

Result<FollowedDatabase::Applied> FollowedDatabase::apply_reserved(const Change& change, io::DatabaseLock& lock,
                                                                   const Pause& pause) {
  auto left = has_journal(path_, gate_);
  if (!left) return pass(left);
  if (*left) return fail(Errc::io, "a journal of somebody else is beside " + path_);
  auto ours = is_at(change.from);
  if (!ours) return pass(ours);
  if (!*ours && !change.replaces) return Applied::changed_by_others;
  auto info = file_.info();
  if (!info) return pass(info);
  const auto old_pages = static_cast<PageNo>(info->size / page_size_);

  if (auto prepared = position_.prepare(change.to, &*info); !prepared) return pass(prepared);
  auto changed = write_journal(change, old_pages, *info);
  if (!changed) return pass(changed);
  while (true) {
    auto excluded = lock.try_exclude();
    if (!excluded) return pass(excluded);
    if (*excluded) break;
    if (pause()) continue;
    // Nothing has been touched: a journal that comes back by a crash puts back what is there.
    if (auto removed = RollbackJournal::remove(path_, gate_); !removed) return pass(removed);
    return busy("readers do not end", path_);
  }
  if (change.replaces) {
    if (auto removed = remove_wal(); !removed) return pass(removed);
  }
  if (auto written = write_pages(change, *changed); !written) return pass(written);
  const auto size = std::uint64_t{change.pages.commit()} * page_size_;
  if (size != info->size) {
    if (auto sized = file_.truncate(size); !sized) return pass(sized);
  }
  if (auto synced = file_.sync(); !synced) return pass(synced);
  if (auto committed = RollbackJournal::remove(path_, gate_); !committed) return pass(committed);
  return Applied::done;
}

// Returns what differs from what is there, page 1 always among it. Readers go on meanwhile.
Result<std::vector<StagedPages::Entry>> FollowedDatabase::write_journal(const Change& change, PageNo old_pages,
                                                                        const io::FileInfo& like) {
  auto journal = RollbackJournal::create(path_, page_size_, old_pages, like, gate_);
  if (!journal) return pass(journal);
  std::vector<std::byte> old(page_size_);
  std::vector<std::byte> staged(page_size_);
  const auto keep = [&](PageNo page) -> Result<void> {
    if (auto got = file_.read_exactly_at(std::uint64_t{page - 1} * page_size_, old); !got) return pass(got);
    return journal->add(page, old);
  };
  if (auto kept = keep(1); !kept) return pass(kept);
  std::vector<StagedPages::Entry> changed;
  for (const auto& entry : change.pages.entries()) {
    if (entry.page > 1 && entry.page <= old_pages) {
      if (auto got = file_.read_exactly_at(std::uint64_t{entry.page - 1} * page_size_, old); !got) return pass(got);
      if (auto got = change.pages.read(entry, staged); !got) return pass(got);
      if (old == staged) continue;
      if (auto kept = journal->add(entry.page, old); !kept) return pass(kept);
    }
    changed.push_back(entry);
  }
  for (PageNo page = change.pages.commit() + 1; page <= old_pages; ++page) {
    if (page == lock_page(page_size_)) continue;
    if (auto kept = keep(page); !kept) return pass(kept);
  }
  if (auto published = journal->publish(); !published) return pass(published);
  return changed;
}

Result<void> FollowedDatabase::write_pages(const Change& change, const std::vector<StagedPages::Entry>& changed) {
  std::vector<std::byte> image(page_size_);
  const auto put = [&](PageNo page) { return file_.write_at(std::uint64_t{page - 1} * page_size_, image); };
  auto next = changed.begin();
  const bool has_first = next != changed.end() && next->page == 1;
  auto got = has_first ? change.pages.read(*next++, image) : file_.read_exactly_at(0, image);
  if (!got) return got;
  mark_first_page(image, change.pages.commit(), change.to);
  if (auto written = put(1); !written) return written;
  for (; next != changed.end(); ++next) {
    if (auto read = change.pages.read(*next, image); !read) return read;
    if (auto written = put(next->page); !written) return written;
  }
  return {};
}

// Of somebody who switched the database to WAL and wrote to it: what is replaced must not come back. Nobody has it
// open, for who does holds SQLite's SHARED lock.
Result<void> FollowedDatabase::remove_wal() {
  for (const char* suffix : {"-shm", "-wal"})
    if (auto removed = io::remove_file(path_ + suffix, gate_); !removed) return removed;
  return {};
}

}  // namespace replica::restore
