// Manual pages, in the man macros of roff.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "cli/flags.hpp"

namespace cli {

class Manual {
 public:
  // ".TH": name in capitals, section, version.
  Manual(std::string_view name, int section, std::string_view summary);

  Manual& section(std::string_view title);
  Manual& subsection(std::string_view title);
  Manual& paragraph(std::string_view text);
  // Text as it stands, in a fixed font.
  Manual& example(std::string_view text);
  // A term in bold, and what it means below it, indented.
  Manual& item(std::string_view term, std::string_view meaning);
  Manual& flags(std::span<const Flag> flags);

  std::string text() const { return text_; }

 private:
  std::string text_;
};

// Text that roff prints as it is: hyphens, backslashes, and lines that begin like a request.
std::string roff_escape(std::string_view text);

}  // namespace cli
