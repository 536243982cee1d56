#include "sqlite.hpp"

namespace tools {

Statement::Statement(sqlite3* db, std::string_view sql, int& code) {
  code = sqlite3_prepare_v2(db, sql.data(), static_cast<int>(sql.size()), &handle_, nullptr);
}

Statement::~Statement() { sqlite3_finalize(handle_); }

void Statement::bind(const std::vector<Value>& values) {
  int index = 0;
  for (const Value& value : values) {
    ++index;
    if (const auto* number = std::get_if<std::int64_t>(&value)) {
      sqlite3_bind_int64(handle_, index, *number);
    } else {
      const auto& data = std::get<std::string_view>(value);
      sqlite3_bind_blob64(handle_, index, data.data(), data.size(), SQLITE_TRANSIENT);
    }
  }
}

int Statement::step() { return sqlite3_step(handle_); }
int Statement::columns() const { return sqlite3_column_count(handle_); }
std::int64_t Statement::integer(int column) const { return sqlite3_column_int64(handle_, column); }
int Statement::type(int column) const { return sqlite3_column_type(handle_, column); }

std::string_view Statement::blob(int column) const {
  const auto* data = static_cast<const char*>(sqlite3_column_blob(handle_, column));
  const auto size = static_cast<std::size_t>(sqlite3_column_bytes(handle_, column));
  return data == nullptr ? std::string_view() : std::string_view(data, size);
}

Connection::~Connection() { close(); }

void Connection::close() {
  sqlite3_close_v2(db_);
  db_ = nullptr;
}

int Connection::open(const std::string& path, int busy_timeout_ms, bool create) {
  close();
  const int flags = SQLITE_OPEN_READWRITE | (create ? SQLITE_OPEN_CREATE : 0);
  const int code = sqlite3_open_v2(path.c_str(), &db_, flags, nullptr);
  if (code == SQLITE_OK) sqlite3_busy_timeout(db_, busy_timeout_ms);
  return code;
}

int Connection::run(std::string_view sql, const std::vector<Value>& values) {
  int code = SQLITE_OK;
  Statement statement(db_, sql, code);
  if (code != SQLITE_OK) return code;
  statement.bind(values);
  do {
    code = statement.step();
  } while (code == SQLITE_ROW);
  return code == SQLITE_DONE ? SQLITE_OK : code;
}

std::optional<std::int64_t> Connection::integer(std::string_view sql, const std::vector<Value>& values) {
  int code = SQLITE_OK;
  Statement statement(db_, sql, code);
  if (code != SQLITE_OK) return std::nullopt;
  statement.bind(values);
  if (statement.step() != SQLITE_ROW || statement.type(0) == SQLITE_NULL) return std::nullopt;
  return statement.integer(0);
}

std::optional<std::string> Connection::text(std::string_view sql) {
  int code = SQLITE_OK;
  Statement statement(db_, sql, code);
  if (code != SQLITE_OK || statement.step() != SQLITE_ROW) return std::nullopt;
  return std::string(statement.blob(0));
}

bool Connection::in_transaction() const { return sqlite3_get_autocommit(db_) == 0; }
std::string Connection::message() const { return sqlite3_errmsg(db_); }

bool is_busy(int code) noexcept {
  const int primary = code & 0xff;
  return primary == SQLITE_BUSY || primary == SQLITE_LOCKED;
}

}  // namespace tools
