#include "bench/sample_database.hpp"

#include <sqlite3.h>

#include <array>
#include <charconv>

#include "bench/noise.hpp"

namespace litestreamctl::bench {

using replica::Errc;
using replica::pass;
using replica::Result;

namespace {

constexpr std::uint64_t kRowsAtOnce = 1000;
constexpr std::size_t kHalf = 500;  // bytes of noise, and of text, in a row
constexpr std::chrono::milliseconds kBusyTimeout{10'000};

struct Finalizer {
  void operator()(sqlite3_stmt* statement) const noexcept { sqlite3_finalize(statement); }
};
using Statement = std::unique_ptr<sqlite3_stmt, Finalizer>;

Statement prepare(sqlite3* db, const char* sql, int& code) {
  sqlite3_stmt* statement = nullptr;
  code = sqlite3_prepare_v2(db, sql, -1, &statement, nullptr);
  return Statement(statement);
}

Errc code_of(int code) {
  switch (code & 0xff) {
    case SQLITE_FULL:
      return Errc::no_space;
    case SQLITE_PERM:
    case SQLITE_READONLY:
    case SQLITE_CANTOPEN:
    case SQLITE_AUTH:
      return Errc::permission_denied;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return Errc::busy;
    default:
      return Errc::io;
  }
}

// What an order of a shop might say; compresses as such things do.
std::string text_of(std::uint64_t row) {
  constexpr std::array kWords{"delivery",  "invoice",  "customer", "address",  "paid", "by card",
                              "two boxes", "reminder", "street",   "returned", "open", "on the way"};
  std::string text;
  for (std::uint64_t i = row; text.size() < kHalf; i = i * 7 + row + 1)
    text += std::string(kWords.at(i % kWords.size())) + " " + std::to_string(i % 1000) + ", ";
  return text.substr(0, kHalf);
}

}  // namespace

void SampleDatabase::Closer::operator()(sqlite3* db) const noexcept { sqlite3_close_v2(db); }

replica::Failure SampleDatabase::failed(int code, const char* what) const {
  const std::string why = db_ ? sqlite3_errmsg(db_.get()) : sqlite3_errstr(code);
  return replica::fail(code_of(code), std::string(what) + " sample database " + path_ + ": " + why);
}

Result<SampleDatabase> SampleDatabase::create(const std::string& path, std::uint64_t size, const replica::Call& call) {
  sqlite3* opened = nullptr;
  const int code = sqlite3_open_v2(path.c_str(), &opened, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, nullptr);
  SampleDatabase sample(Handle(opened), path);
  if (code != SQLITE_OK) return sample.failed(code, "create");
  sqlite3_busy_timeout(opened, static_cast<int>(kBusyTimeout.count()));
  if (auto filled = sample.fill(size, call); !filled) return pass(filled);
  auto mode = sample.query("PRAGMA journal_mode=wal");
  if (!mode) return pass(mode);
  if (*mode != "wal")
    return replica::fail(Errc::unsupported, "this file system cannot hold a database in WAL mode: " + path);
  return sample;
}

Result<void> SampleDatabase::fill(std::uint64_t size, const replica::Call& call) {
  for (const char* sql : {"PRAGMA journal_mode=off", "PRAGMA synchronous=off",
                          "CREATE TABLE sample (id INTEGER PRIMARY KEY, text TEXT, data BLOB)"})
    if (auto done = execute(sql); !done) return done;
  for (std::uint64_t bytes = 0; bytes < size;) {
    if (auto open = call.check("make a sample database"); !open) return open;
    if (auto done = insert(kRowsAtOnce); !done) return done;
    auto text = query("SELECT page_count * page_size FROM pragma_page_count, pragma_page_size");
    if (!text) return pass(text);
    std::from_chars(text->data(), text->data() + text->size(), bytes);
  }
  return execute("PRAGMA synchronous=full");
}

Result<void> SampleDatabase::insert(std::uint64_t rows) {
  if (auto begun = execute("BEGIN IMMEDIATE"); !begun) return begun;
  int code = SQLITE_OK;
  const Statement statement = prepare(db_.get(), "INSERT INTO sample (text, data) VALUES (?, ?)", code);
  if (code != SQLITE_OK) return failed(code, "write");
  std::array<std::byte, kHalf> data{};
  for (std::uint64_t i = 0; i < rows; ++i) {
    const std::string text = text_of(rows_);
    fill_noise(3, rows_ * kHalf, data);
    ++rows_;
    sqlite3_bind_text(statement.get(), 1, text.data(), static_cast<int>(text.size()), SQLITE_TRANSIENT);
    sqlite3_bind_blob(statement.get(), 2, data.data(), static_cast<int>(data.size()), SQLITE_TRANSIENT);
    if (code = sqlite3_step(statement.get()); code != SQLITE_DONE) return failed(code, "write");
    sqlite3_reset(statement.get());
  }
  return execute("COMMIT");
}

Result<void> SampleDatabase::commit() { return insert(1); }

Result<void> SampleDatabase::close() {
  auto moved = execute("PRAGMA wal_checkpoint(truncate)");
  db_.reset();
  return moved;
}

Result<void> SampleDatabase::execute(const char* sql) {
  auto done = query(sql);
  return done ? Result<void>() : Result<void>(pass(done));
}

Result<std::string> SampleDatabase::query(const char* sql) {
  int code = SQLITE_OK;
  const Statement statement = prepare(db_.get(), sql, code);
  if (code != SQLITE_OK) return failed(code, "write");
  std::string value;
  if (code = sqlite3_step(statement.get()); code == SQLITE_ROW) {
    if (const unsigned char* text = sqlite3_column_text(statement.get(), 0))
      value.assign(reinterpret_cast<const char*>(text));
    while (code == SQLITE_ROW) code = sqlite3_step(statement.get());
  }
  if (code != SQLITE_DONE) return failed(code, "write");
  return value;
}

}  // namespace litestreamctl::bench
