#include "cli/roff.hpp"

#include <algorithm>
#include <cctype>

namespace cli {

std::string roff_escape(std::string_view text) {
  std::string out;
  bool line_begins = true;
  for (const char c : text) {
    if (line_begins && (c == '.' || c == '\'')) out += "\\&";
    line_begins = c == '\n';
    if (c == '\\') {
      out += "\\e";
    } else if (c == '-') {
      out += "\\-";
    } else {
      out += c;
    }
  }
  return out;
}

Manual::Manual(std::string_view name, int section, std::string_view summary) {
  std::string title(name);
  std::transform(title.begin(), title.end(), title.begin(),
                 [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  text_ = ".TH " + title + " " + std::to_string(section) + " \"\" \"litestreamd " + std::string(kVersion) + "\"\n";
  this->section("NAME");
  text_ += roff_escape(name) + " \\- " + roff_escape(summary) + "\n";
}

Manual& Manual::section(std::string_view title) {
  text_ += ".SH " + roff_escape(title) + "\n";
  return *this;
}

Manual& Manual::subsection(std::string_view title) {
  text_ += ".SS " + roff_escape(title) + "\n";
  return *this;
}

Manual& Manual::paragraph(std::string_view text) {
  text_ += ".PP\n" + roff_escape(text) + "\n";
  return *this;
}

Manual& Manual::example(std::string_view text) {
  text_ += ".PP\n.nf\n.RS\n" + roff_escape(text) + "\n.RE\n.fi\n";
  return *this;
}

Manual& Manual::item(std::string_view term, std::string_view meaning) {
  text_ += ".TP\n\\fB" + roff_escape(term) + "\\fR\n" + (meaning.empty() ? "\\&" : roff_escape(meaning)) + "\n";
  return *this;
}

Manual& Manual::flags(std::span<const Flag> flags) {
  for (const Flag& flag : flags) {
    std::string term = "-" + std::string(flag.name);
    if (!flag.value.empty()) term += " " + std::string(flag.value);
    std::string meaning(flag.doc);
    if (!flag.standard.empty()) meaning += " (default: " + std::string(flag.standard) + ")";
    item(term, meaning);
  }
  return *this;
}

}  // namespace cli
