#include "backend/s3/flat_json.hpp"

#include <charconv>

namespace replica::s3 {
namespace {

class Parser {
 public:
  explicit Parser(std::string_view text) : rest_(text) {}

  Result<FlatObject> object() {
    FlatObject out;
    if (!take('{')) return damaged();
    if (!take('}')) {
      do {
        auto name = text();
        if (!name || !take(':')) return damaged();
        skip();
        auto value = rest_.starts_with('"') ? text() : word();
        if (!value) return damaged();
        out.insert_or_assign(std::move(*name), std::move(*value));
      } while (take(','));
      if (!take('}')) return damaged();
    }
    skip();
    if (!rest_.empty()) return damaged();
    return out;
  }

 private:
  static Failure damaged() { return fail(Errc::corrupt, "not a JSON object of plain values"); }

  void skip() {
    const std::size_t begin = rest_.find_first_not_of(" \t\r\n");
    rest_.remove_prefix(begin == std::string_view::npos ? rest_.size() : begin);
  }
  bool take(char c) {
    skip();
    if (!rest_.starts_with(c)) return false;
    rest_.remove_prefix(1);
    return true;
  }

  // A number, true, false or null.
  Result<std::string> word() {
    const std::size_t size =
        std::min(rest_.find_first_not_of("0123456789abcdefghijklmnopqrstuvwxyzE+-."), rest_.size());
    if (size == 0) return damaged();
    std::string out(rest_.substr(0, size));
    rest_.remove_prefix(size);
    return out;
  }

  Result<std::string> text() {
    if (!take('"')) return damaged();
    std::string out;
    while (!rest_.empty()) {
      const char c = rest_.front();
      rest_.remove_prefix(1);
      if (c == '"') return out;
      if (c != '\\') {
        out += c;
      } else if (!escape(out)) {
        break;
      }
    }
    return damaged();
  }

  bool escape(std::string& out) {
    if (rest_.empty()) return false;
    const char c = rest_.front();
    rest_.remove_prefix(1);
    if (c != 'u') {
      constexpr std::string_view kNames = "\"\\/bfnrt", kValues = "\"\\/\b\f\n\r\t";
      const std::size_t at = kNames.find(c);
      if (at != std::string_view::npos) out += kValues[at];
      return at != std::string_view::npos;
    }
    // Keys and tokens are ASCII.
    unsigned code = 0;
    if (rest_.size() < 4) return false;
    const auto [end, error] = std::from_chars(rest_.data(), rest_.data() + 4, code, 16);
    if (error != std::errc() || end != rest_.data() + 4 || code > 0x7f) return false;
    rest_.remove_prefix(4);
    out += static_cast<char>(code);
    return true;
  }

  std::string_view rest_;
};

}  // namespace

Result<FlatObject> parse_flat_json(std::string_view text) { return Parser(text).object(); }

}  // namespace replica::s3
