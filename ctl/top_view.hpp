// What `litestreamctl top` shows, as lines of text: pure.
#pragma once

#include "rows.hpp"
#include "screen.hpp"

namespace litestreamctl {

struct TopView {
  std::string headline;  // who is asked
  std::string trouble;   // why the rows are old; empty when they are not
  std::vector<DatabaseRow> rows;
};

// The longest lag first, then what is not open, then by path.
void sort_by_lag(std::vector<DatabaseRow>& rows);

// No line is wider than the screen and there are no more than it has rows; paths lose their beginning first.
std::vector<std::string> top_lines(const TopView& view, Screen::Size size, replica::Timestamp now);

// As much room as it takes, for what is no terminal.
Screen::Size room_for(const TopView& view);

}  // namespace litestreamctl
