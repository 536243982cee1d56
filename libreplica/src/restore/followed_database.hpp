// A database that follows a replica while others read it: new pages go in place under SQLite's locks and behind a
// rollback journal, so that every reader, at any time and after any crash, sees one position whole.
#pragma once

#include <functional>

#include "io/database_lock.hpp"
#include "io/file.hpp"
#include "restore/follow_position.hpp"
#include "restore/staged_pages.hpp"

namespace replica::restore {

// Makes a page 1 that of a database that follows: rollback journal instead of WAL, so that readers make no -wal and
// -shm, change_counter(position), and the size in the header valid.
void mark_first_page(MutableBytes page, PageNo commit, TxId position);

// One thread at a time.
class FollowedDatabase {
 public:
  // The same on a file that nobody uses yet.
  static Result<void> mark_file(const std::string& path, TxId position, io::Gate* gate);
  // Holds a lock against a second follower until its end: busy.
  static Result<FollowedDatabase> open(const std::string& path, io::Gate* gate);

  std::uint32_t page_size() const noexcept { return page_size_; }
  Result<PageNo> pages() const;

  // Settles what a crash or failure left: a journal is rolled back by SQLite, and the position is the one of the
  // database. Nothing when no position is saved.
  Result<std::optional<TxId>> recover(std::chrono::milliseconds patience);
  // False: somebody else has written since we came to `position`.
  Result<bool> is_at(TxId position) const;

  struct Change {
    const StagedPages& pages;
    TxId from, to;
    bool replaces = false;  // whatever there is now is overwritten
  };
  enum class Applied { done, changed_by_others };
  // Tried again and again until it returns true or the patience is over; false = give up.
  using Pause = std::function<bool()>;
  // busy when readers do not end. After another error recover() comes first.
  Result<Applied> apply(const Change& change, const Pause& pause);

 private:
  FollowedDatabase(const std::string& path, io::File file, std::uint32_t page_size, io::Gate* gate);
  Result<void> check_name() const;
  Result<Applied> apply_reserved(const Change& change, io::DatabaseLock& lock, const Pause& pause);
  Result<std::vector<StagedPages::Entry>> write_journal(const Change& change, PageNo old_pages,
                                                        const io::FileInfo& like);
  Result<void> write_pages(const Change& change, const std::vector<StagedPages::Entry>& changed);
  Result<void> remove_wal();

  std::string path_;
  io::File file_;
  std::uint32_t page_size_;
  io::Gate* gate_;
  FollowPosition position_;
};

}  // namespace replica::restore
