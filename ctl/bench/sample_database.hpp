// A database of our own making, written as an application writes: through SQLite, with its default settings, in WAL
// mode.
#pragma once

#include <memory>
#include <string>

#include "replica/clock.hpp"

struct sqlite3;

namespace litestreamctl::bench {

class SampleDatabase {
 public:
  // Of at least `size` bytes, half of them noise and half text. It stays open.
  static replica::Result<SampleDatabase> create(const std::string& path, std::uint64_t size, const replica::Call& call);

  // A transaction of one row.
  replica::Result<void> commit();
  // Moves the log into the database file and closes.
  replica::Result<void> close();
  const std::string& path() const noexcept { return path_; }

 private:
  struct Closer {
    void operator()(sqlite3* db) const noexcept;
  };
  using Handle = std::unique_ptr<sqlite3, Closer>;
  SampleDatabase(Handle db, std::string path) noexcept : db_(std::move(db)), path_(std::move(path)) {}

  replica::Result<void> execute(const char* sql);
  replica::Result<std::string> query(const char* sql);  // first column of the first row
  replica::Result<void> insert(std::uint64_t rows);
  replica::Result<void> fill(std::uint64_t size, const replica::Call& call);
  replica::Failure failed(int code, const char* what) const;

  Handle db_;
  std::string path_;
  std::uint64_t rows_ = 0;
};

}  // namespace litestreamctl::bench
