#include "rows.hpp"

#include <boost/json/serialize.hpp>

#include "human.hpp"
#include "output.hpp"

namespace litestreamctl {

namespace json = boost::json;

namespace {

std::string text_of(const json::object& object, std::string_view name) {
  const json::value* value = object.if_contains(name);
  return value != nullptr && value->is_string() ? std::string(value->get_string()) : std::string();
}

std::optional<std::uint64_t> count(const json::value& value) {
  boost::system::error_code error;
  const auto number = value.to_number<std::uint64_t>(error);
  return error ? std::nullopt : std::optional(number);
}

std::optional<std::uint64_t> count_of(const json::object& object, std::string_view name) {
  const json::value* value = object.if_contains(name);
  return value == nullptr ? std::nullopt : count(*value);
}

std::optional<double> number_of(const json::object& object, std::string_view name) {
  const json::value* value = object.if_contains(name);
  if (value == nullptr || !value->is_number()) return std::nullopt;
  return value->to_number<double>();
}

std::string hex(std::uint64_t txid) { return replica::TxId{txid}.text(); }

DatabaseRow row_of(const json::object& entry);

// The objects of `replicas`; empty when it is something else.
std::vector<DatabaseRow> replica_rows(const json::value& replicas) {
  std::vector<DatabaseRow> rows = database_rows(replicas);
  for (std::size_t n = 0; n < rows.size(); ++n) {
    const json::object& one = replicas.get_array()[n].get_object();
    rows[n].path = printable(text_of(one, text_of(one, "name").empty() ? "replica" : "name"));
    rows[n].status = printable(text_of(one, "replica_state"));
  }
  return rows;
}

DatabaseRow row_of(const json::object& entry) {
  DatabaseRow row;
  row.path = printable(text_of(entry, "path"));
  row.status = printable(text_of(entry, "status"));
  row.txid = count_of(entry, "txid");
  row.replicated_txid = count_of(entry, "replicated_txid");
  row.database_bytes = count_of(entry, "database_bytes");
  row.wal_bytes = count_of(entry, "wal_bytes");
  row.lag_seconds = number_of(entry, "lag_seconds");
  if (const auto time = replica::parse_rfc3339(text_of(entry, "last_sync_at"))) row.last_sync_at = *time;
  if (const json::value* error = entry.if_contains("last_error"); error != nullptr && error->is_object())
    row.error = printable(text_of(error->get_object(), "message"));
  if (const json::value* replicas = entry.if_contains("replicas")) row.replicas = replica_rows(*replicas);
  return row;
}

// "put 12, list 10; 1 error, 2 retries; 1.2 MB sent, 3 kB received"
std::string requests_text(const json::object& requests) {
  std::string classes, trouble;
  for (const char* name : {"put", "get", "list", "stat", "remove", "other", "login"})
    if (const auto n = count_of(requests, name).value_or(0); n > 0)
      classes += (classes.empty() ? "" : ", ") + std::string(name) + " " + std::to_string(n);
  for (const char* name : {"errors", "retries"})
    if (const auto n = count_of(requests, name).value_or(0); n > 0)
      trouble += (trouble.empty() ? "; " : ", ") + std::to_string(n) + " " + name;
  return (classes.empty() ? "none" : classes) + trouble + "; " +
         size_text(count_of(requests, "bytes_sent").value_or(0)) + " sent, " +
         size_text(count_of(requests, "bytes_received").value_or(0)) + " received";
}

std::string member_text(std::string_view name, const json::value& value) {
  if (name == "requests" && value.is_object()) return requests_text(value.get_object());
  if (value.is_string()) return printable(value.get_string());
  const auto number = count(value);
  if (number && name.ends_with("_bytes")) return size_text(*number);
  if (number && name.ends_with("txid")) return hex(*number);
  if (value.is_number() && name.ends_with("_seconds")) return span_text(value.to_number<double>());
  if (value.is_bool()) return value.get_bool() ? "yes" : "no";
  return json::serialize(value);
}

}  // namespace

std::vector<DatabaseRow> database_rows(const json::value& list) {
  std::vector<DatabaseRow> rows;
  if (!list.is_array()) return rows;
  for (const json::value& entry : list.get_array())
    if (entry.is_object()) rows.push_back(row_of(entry.get_object()));
  return rows;
}

std::string txid_cell(const DatabaseRow& row) { return row.txid ? hex(*row.txid) : "-"; }

std::string lag_cell(const DatabaseRow& row) {
  return row.lag_seconds && row.status == "open" ? span_text(*row.lag_seconds) : "-";
}

std::string size_cell(const std::optional<std::uint64_t>& bytes) { return bytes ? size_text(*bytes) : "-"; }

std::string last_sync_cell(const DatabaseRow& row, replica::Timestamp now) {
  if (!row.last_sync_at) return "-";
  return span_text(std::chrono::duration<double>(now - *row.last_sync_at).count()) + " ago";
}

namespace {

std::string replica_lag_cell(const DatabaseRow& one) { return one.lag_seconds ? span_text(*one.lag_seconds) : "-"; }
std::string replica_txid_cell(const DatabaseRow& one) { return one.replicated_txid ? hex(*one.replicated_txid) : "-"; }

// A replica in one line.
std::string replica_text(const DatabaseRow& one) {
  std::string text = one.path + "  " + one.status + "  " + replica_txid_cell(one);
  if (one.lag_seconds && *one.lag_seconds > 0) text += "  behind by " + span_text(*one.lag_seconds);
  return one.error.empty() ? text : text + "  " + one.error;
}

}  // namespace

std::string list_text(const json::value& list, replica::Timestamp now) {
  const std::vector<DatabaseRow> databases = database_rows(list);
  if (databases.empty()) return "no databases\n";
  std::vector<std::vector<std::string>> rows{{"path", "status", "lag", "txid", "size", "last sync"}};
  std::string errors;
  for (const DatabaseRow& row : databases) {
    rows.push_back(
        {row.path, row.status, lag_cell(row), txid_cell(row), size_cell(row.database_bytes), last_sync_cell(row, now)});
    for (const DatabaseRow& one : row.replicas)
      rows.push_back({"  " + one.path, one.status, row.status == "open" ? replica_lag_cell(one) : "-",
                      replica_txid_cell(one), "", last_sync_cell(one, now)});
    if (!row.error.empty()) errors += row.path + ": " + row.error + "\n";
  }
  return table(rows) + (errors.empty() ? "" : "\n" + errors);
}

std::string object_text(const json::object& object) {
  std::vector<std::vector<std::string>> rows;
  for (const auto& [name, value] : object) {
    const auto replicas = name == "replicas" ? replica_rows(value) : std::vector<DatabaseRow>();
    for (const DatabaseRow& one : replicas)
      rows.push_back({&one == &replicas.front() ? std::string("replicas") : "", replica_text(one)});
    if (replicas.empty()) rows.push_back({printable(name), member_text(name, value)});
  }
  return table(rows);
}

std::string outcome_line(const json::object& result) {
  std::vector<std::string> cells{printable(text_of(result, "path")), printable(text_of(result, "status"))};
  if (const auto txid = count_of(result, "txid")) cells.push_back(hex(*txid));
  return table({cells});
}

}  // namespace litestreamctl
