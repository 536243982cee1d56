#include "digest.hpp"

#include <xxhash.h>

#include <cstdio>
#include <vector>

#include "sqlite.hpp"

namespace tools {
namespace {

class Hasher {
 public:
  Hasher() : state_(XXH3_createState()) { XXH3_64bits_reset(state_); }
  ~Hasher() { XXH3_freeState(state_); }
  Hasher(const Hasher&) = delete;
  Hasher& operator=(const Hasher&) = delete;

  void number(std::int64_t n) { XXH3_64bits_update(state_, &n, sizeof n); }
  void bytes(std::string_view data) {
    number(static_cast<std::int64_t>(data.size()));
    XXH3_64bits_update(state_, data.data(), data.size());
  }
  std::string text() const {
    char out[17];
    std::snprintf(out, sizeof out, "%016llx", static_cast<unsigned long long>(XXH3_64bits_digest(state_)));
    return out;
  }

 private:
  XXH3_state_t* state_;
};

bool add_rows(Connection& db, const std::string& sql, Hasher& hash) {
  int code = SQLITE_OK;
  Statement rows(db.handle(), sql, code);
  if (code != SQLITE_OK) return false;
  std::int64_t count = 0;
  for (; (code = rows.step()) == SQLITE_ROW; ++count) {
    for (int column = 0; column < rows.columns(); ++column) {
      hash.number(rows.type(column));
      hash.bytes(rows.blob(column));
    }
  }
  hash.number(count);
  return code == SQLITE_DONE;
}

std::string quoted(std::string_view name, char quote) {
  std::string out(1, quote);
  for (char c : name) out.append(c == quote ? 2U : 1U, c);
  return out + quote;
}

// Empty when the schema cannot be read (every database of the tools has tables).
std::vector<std::string> table_names(Connection& db, const std::string& filter) {
  std::vector<std::string> names;
  int code = SQLITE_OK;
  Statement rows(db.handle(),
                 "SELECT name FROM sqlite_schema WHERE type = 'table' AND rootpage > 0" + filter + " ORDER BY name",
                 code);
  if (code != SQLITE_OK) return {};
  while ((code = rows.step()) == SQLITE_ROW) names.emplace_back(rows.blob(0));
  return code == SQLITE_DONE ? names : std::vector<std::string>{};
}

std::string filter_for(const std::string& prefix) {
  if (prefix.empty()) return "";
  return " AND substr(tbl_name, 1, " + std::to_string(prefix.size()) + ") <> " + quoted(prefix, '\'');
}

bool add_content(Connection& db, const DigestOptions& options, Hasher& hash) {
  const std::string filter = filter_for(options.exclude_prefix);
  std::vector<std::string> queries = {"PRAGMA page_size", "PRAGMA auto_vacuum", "PRAGMA user_version",
                                      "PRAGMA application_id"};
  std::string schema_columns = "type, name, tbl_name, sql";
  if (options.exclude_prefix.empty()) {
    queries.insert(queries.end(), {"PRAGMA page_count", "PRAGMA freelist_count", "PRAGMA schema_version"});
    schema_columns += ", rootpage";
  }
  queries.push_back("SELECT " + schema_columns + " FROM sqlite_schema WHERE 1" + filter + " ORDER BY type, name");
  const auto tables = table_names(db, filter);
  if (tables.empty()) return false;
  // NOT INDEXED: in the order of the table's own b-tree, which is that of the rowid or primary key.
  for (const std::string& table : tables) queries.push_back("SELECT * FROM " + quoted(table, '"') + " NOT INDEXED");
  for (const std::string& query : queries) {
    if (!add_rows(db, query, hash)) return false;
  }
  return true;
}

}  // namespace

Digest digest(const std::string& path, const DigestOptions& options) {
  Connection db;
  if (db.open(path, 20'000) != SQLITE_OK) return {"cannot open: " + path, ""};
  if (db.run("BEGIN") != SQLITE_OK) return {db.message(), ""};
  Digest result{"ok", ""};
  if (options.integrity_check)
    result.integrity = db.text("PRAGMA integrity_check(3)").value_or("unreadable: " + db.message());
  Hasher hash;
  if (add_content(db, options, hash)) {
    result.hash = hash.text();
  } else if (result.integrity == "ok") {
    result.integrity = "unreadable: " + db.message();
  }
  return result;
}

}  // namespace tools
