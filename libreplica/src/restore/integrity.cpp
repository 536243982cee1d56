#include "restore/integrity.hpp"

#include <sqlite3.h>

#include <memory>

namespace replica::restore {
namespace {

constexpr std::string_view kPrefix = "post-restore integrity check: ";
constexpr int kStepsBetweenChecks = 100'000;
constexpr int kMostFindings = 5;

struct Close {
  void operator()(sqlite3* db) const noexcept { sqlite3_close(db); }
  void operator()(sqlite3_stmt* statement) const noexcept { sqlite3_finalize(statement); }
};

// https://www.sqlite.org/uri.html: what is not plainly a path character is escaped; an absolute path follows an empty
// authority, so that "//" at its front does not become one. `immutable` keeps SQLite from making -wal and -shm files
// for a database that is in WAL mode.
std::string immutable_uri(const std::string& path) {
  constexpr std::string_view kPlain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~/";
  constexpr std::string_view kHex = "0123456789abcdef";
  std::string uri = path.starts_with('/') ? "file://" : "file:";
  for (const char c : path) {
    if (kPlain.find(c) != std::string_view::npos) {
      uri += c;
      continue;
    }
    const auto byte = static_cast<unsigned char>(c);
    uri += '%';
    uri += kHex[byte >> 4U];
    uri += kHex[byte & 15U];
  }
  return uri + "?immutable=1";
}

int call_is_over(void* call) { return static_cast<const Call*>(call)->check("integrity check") ? 0 : 1; }

Failure sqlite_failure(sqlite3* db, int rc, const Call& call) {
  if (auto open = call.check("integrity check"); !open) return pass(open);
  const int code = rc & 0xff;
  const bool damaged = code == SQLITE_CORRUPT || code == SQLITE_NOTADB;
  return fail(damaged ? Errc::corrupt : Errc::io,
              std::string(kPrefix) + (db ? sqlite3_errmsg(db) : sqlite3_errstr(rc)));
}

}  // namespace

Result<void> check_integrity(const std::string& path, IntegrityCheck kind, const Call& call) {
  if (kind == IntegrityCheck::none) return {};
  sqlite3* opened = nullptr;
  const int flags = SQLITE_OPEN_READONLY | SQLITE_OPEN_URI | SQLITE_OPEN_NOMUTEX;
  int rc = sqlite3_open_v2(immutable_uri(path).c_str(), &opened, flags, nullptr);
  const std::unique_ptr<sqlite3, Close> db(opened);
  if (rc != SQLITE_OK) return sqlite_failure(db.get(), rc, call);
  Call watched = call;
  sqlite3_progress_handler(db.get(), kStepsBetweenChecks, call_is_over, &watched);

  const char* sql = kind == IntegrityCheck::quick ? "PRAGMA quick_check" : "PRAGMA integrity_check";
  sqlite3_stmt* prepared = nullptr;
  rc = sqlite3_prepare_v2(db.get(), sql, -1, &prepared, nullptr);
  const std::unique_ptr<sqlite3_stmt, Close> statement(prepared);
  if (rc != SQLITE_OK) return sqlite_failure(db.get(), rc, call);

  std::string findings;
  int count = 0;
  while ((rc = sqlite3_step(statement.get())) == SQLITE_ROW) {
    const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(statement.get(), 0));
    const std::string_view finding = text ? text : "";
    if (count == 0 && finding == "ok") continue;
    if (++count <= kMostFindings) findings.append(findings.empty() ? "" : "; ").append(finding);
  }
  if (rc != SQLITE_DONE) return sqlite_failure(db.get(), rc, call);
  if (count == 0) return {};
  if (count > kMostFindings) findings += "; and " + std::to_string(count - kMostFindings) + " more";
  return fail(Errc::corrupt, std::string(kPrefix) + findings,
              "the backup itself is damaged; an earlier transaction may be sound");
}

}  // namespace replica::restore
