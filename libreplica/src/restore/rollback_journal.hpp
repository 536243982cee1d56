// A rollback journal as SQLite writes one (https://www.sqlite.org/fileformat2.html#the_rollback_journal): what the
// pages of a database were before they are overwritten. A crash between publish() and remove() leaves a hot journal,
// and whoever opens the database next, any SQLite, first puts the old pages back.
#pragma once

#include "io/file.hpp"

namespace replica::restore {

std::string journal_of(const std::string& database);

// True when SQLite would take the journal beside `database` for one to roll back, as long as nobody holds locks.
Result<bool> has_journal(const std::string& database, io::Gate* gate);

class RollbackJournal {
 public:
  // `database_pages` is the size the database has now and is to have again; `like` gives mode and owner.
  static Result<RollbackJournal> create(const std::string& database, std::uint32_t page_size, PageNo database_pages,
                                        const io::FileInfo& like, io::Gate* gate);
  // Pages in any order, each once, none beyond `database_pages`.
  Result<void> add(PageNo page, Bytes old_image);
  // Durable under its name. Only while the database is reserved: anybody else would roll it back.
  Result<void> publish() { return file_.commit(); }
  // The moment at which the new pages count.
  static Result<void> remove(const std::string& database, io::Gate* gate);

 private:
  RollbackJournal(io::AtomicFile file, std::uint32_t nonce) : file_(std::move(file)), nonce_(nonce) {}
  io::AtomicFile file_;
  std::uint32_t nonce_;
};

}  // namespace replica::restore
