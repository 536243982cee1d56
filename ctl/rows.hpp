// What the daemon tells about its databases, as rows of text.
#pragma once

#include <boost/json/value.hpp>
#include <optional>
#include <string>
#include <vector>

#include "replica/types.hpp"

namespace litestreamctl {

// One entry of `list {details: true}`, read leniently: what is missing stays empty.
struct DatabaseRow {
  std::string path, status;
  std::optional<std::uint64_t> txid, replicated_txid, database_bytes, wal_bytes;
  std::optional<double> lag_seconds;
  std::optional<replica::Timestamp> last_sync_at;
  std::string error;                    // message of the last error
  std::vector<DatabaseRow> replicas{};  // of several, each: `path` is its name or URL, `status` how it takes what comes
};

std::vector<DatabaseRow> database_rows(const boost::json::value& list);

// The cells of the tables; "-" for what is not known.
std::string txid_cell(const DatabaseRow& row);
std::string lag_cell(const DatabaseRow& row);
std::string size_cell(const std::optional<std::uint64_t>& bytes);
std::string last_sync_cell(const DatabaseRow& row, replica::Timestamp now);  // "12 s ago"

// `litestreamctl list` on a terminal: path, status, lag, TXID, size, last sync; below, the errors there are.
std::string list_text(const boost::json::value& list, replica::Timestamp now);

// `status`, `info` and other objects on a terminal: "database_bytes  8.2 kB" a member, in their order. Arrays and
// objects inside stay JSON.
std::string object_text(const boost::json::object& object);

// What start, stop and sync did, in one line: "/data/app.db  synced  0000000000000003".
std::string outcome_line(const boost::json::object& result);

}  // namespace litestreamctl
