#include "top_view.hpp"

#include <algorithm>
#include <array>
#include <tuple>

#include "human.hpp"

namespace litestreamctl {

namespace {

constexpr std::array<std::size_t, 6> kWidths{6, 7, 8, 8, 8, 9};  // status, lag, TXID, WAL, size, last sync
constexpr std::size_t kGap = 2;
constexpr std::size_t kLeastPath = 8;
constexpr std::size_t kFrame = 4;  // headline, trouble, titles, footer

std::size_t fixed_width() {
  std::size_t width = 0;
  for (const std::size_t column : kWidths) width += kGap + column;
  return width;
}

std::string padded(std::string text, std::size_t width) {
  text = keep_end(text, width);
  text.append(width - columns(text), ' ');
  return text;
}

std::string line_of(const std::string& path, const std::array<std::string, 6>& cells, std::size_t path_width) {
  std::string line = padded(path, path_width);
  for (std::size_t i = 0; i < cells.size(); ++i) line.append(kGap, ' ').append(padded(cells[i], kWidths[i]));
  return line;
}

std::string short_txid(const DatabaseRow& row) {
  const std::string text = txid_cell(row);
  const std::size_t digit = text.find_first_not_of('0');
  return digit == std::string::npos ? "0" : text.substr(digit);
}

std::array<std::string, 6> cells_of(const DatabaseRow& row, replica::Timestamp now) {
  const bool synced = row.last_sync_at.has_value();
  return {row.error.empty() ? row.status : "error",
          lag_cell(row),
          short_txid(row),
          size_cell(row.wal_bytes),
          size_cell(row.database_bytes),
          synced ? span_text(std::chrono::duration<double>(now - *row.last_sync_at).count()) : "-"};
}

// What does not fit on a narrow screen is cut off at the right.
std::string clipped(std::string line, std::size_t width) {
  while (columns(line) > width) {
    while ((static_cast<unsigned char>(line.back()) & 0xC0) == 0x80) line.pop_back();
    line.pop_back();
  }
  return line;
}

}  // namespace

void sort_by_lag(std::vector<DatabaseRow>& rows) {
  const auto key = [](const DatabaseRow& row) {
    return std::tuple(row.error.empty(), -row.lag_seconds.value_or(0), row.status != "open", row.path);
  };
  std::sort(rows.begin(), rows.end(), [&](const DatabaseRow& a, const DatabaseRow& b) { return key(a) < key(b); });
}

std::vector<std::string> top_lines(const TopView& view, Screen::Size size, replica::Timestamp now) {
  const std::size_t path_width = std::max(kLeastPath, size.columns - std::min(size.columns, fixed_width()));
  std::vector<std::string> lines{view.headline, view.trouble,
                                 line_of("PATH", {"STATUS", "LAG", "TXID", "WAL", "SIZE", "LAST SYNC"}, path_width)};
  const std::size_t room = size.rows - std::min(size.rows, kFrame);
  const std::size_t shown = std::min(room, view.rows.size());
  for (std::size_t i = 0; i < shown; ++i)
    lines.push_back(line_of(view.rows[i].path, cells_of(view.rows[i], now), path_width));
  const std::size_t hidden = view.rows.size() - shown;
  lines.push_back(hidden == 0 ? "" : std::to_string(hidden) + " more databases with less lag");
  lines.resize(std::min(lines.size(), size.rows));
  for (std::string& line : lines) {
    line = clipped(std::move(line), size.columns);
    line.resize(line.find_last_not_of(' ') + 1);
  }
  return lines;
}

Screen::Size room_for(const TopView& view) {
  std::size_t widest = std::max(view.headline.size(), view.trouble.size());
  for (const DatabaseRow& row : view.rows) widest = std::max(widest, columns(row.path));
  return {.rows = view.rows.size() + kFrame, .columns = widest + fixed_width()};
}

}  // namespace litestreamctl
