#include "config/duration.hpp"

#include <array>
#include <cctype>
#include <cmath>
#include <limits>

namespace config {

using replica::Errc;
using replica::fail;
using replica::Result;

namespace {

constexpr std::uint64_t kLimit = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());

struct Unit {
  std::string_view name;
  std::uint64_t nanoseconds;
};
// "us" three ways: ASCII, micro sign, Greek mu.
constexpr std::array<Unit, 8> kUnits{{{"ns", 1},
                                      {"us", 1'000},
                                      {"\xc2\xb5s", 1'000},
                                      {"\xce\xbcs", 1'000},
                                      {"ms", 1'000'000},
                                      {"s", 1'000'000'000},
                                      {"m", 60'000'000'000},
                                      {"h", 3'600'000'000'000}}};
constexpr const char* kUnitHint = "units are ns, us, ms, s, m and h, as in 1h30m; a day is 24h";

bool is_digit(char c) { return c >= '0' && c <= '9'; }

replica::Failure invalid(std::string_view text, const std::string& why, std::string hint = kUnitHint) {
  return fail(Errc::invalid_argument, why + " in duration \"" + std::string(text) + "\"", std::move(hint));
}

// One "number unit" of a duration.
class Term {
 public:
  // Takes the digits off the front of `rest`; false when there are none or too many.
  bool take_number(std::string_view& rest) {
    std::size_t digits = 0;
    for (; !rest.empty() && is_digit(rest.front()); rest.remove_prefix(1), ++digits) {
      const auto digit = static_cast<std::uint64_t>(rest.front() - '0');
      if (whole_ > (kLimit - digit) / 10) return false;
      whole_ = whole_ * 10 + digit;
    }
    if (rest.empty() || rest.front() != '.') return digits > 0;
    rest.remove_prefix(1);
    double scale = 0.1;
    for (; !rest.empty() && is_digit(rest.front()); rest.remove_prefix(1), ++digits, scale /= 10)
      fraction_ += scale * (rest.front() - '0');
    return digits > 0;
  }
  static std::string_view take_unit(std::string_view& rest) {
    std::size_t n = 0;
    while (n < rest.size() && rest[n] != '.' && !is_digit(rest[n])) ++n;
    const std::string_view unit = rest.substr(0, n);
    rest.remove_prefix(n);
    return unit;
  }
  // Adds the term to `sum`; false when that does not fit.
  bool add(std::uint64_t unit, std::uint64_t& sum) const {
    if (whole_ > kLimit / unit) return false;
    const std::uint64_t part =
        whole_ * unit + static_cast<std::uint64_t>(std::llround(fraction_ * static_cast<double>(unit)));
    if (part > kLimit - sum) return false;
    sum += part;
    return true;
  }

 private:
  std::uint64_t whole_ = 0;
  double fraction_ = 0;
};

std::uint64_t unit_of(std::string_view name) {
  for (const Unit& unit : kUnits)
    if (unit.name == name) return unit.nanoseconds;
  return 0;
}

// `value` / `unit` with up to nine digits of fraction and no trailing zeros.
std::string decimal(std::uint64_t value, std::uint64_t unit) {
  std::string text = std::to_string(value / unit);
  std::uint64_t rest = value % unit;
  if (rest == 0) return text;
  text += '.';
  while (rest != 0) {
    rest *= 10;
    text += static_cast<char>('0' + rest / unit);
    rest %= unit;
  }
  return text;
}

}  // namespace

Result<Duration> parse_duration(std::string_view text) {
  std::string_view rest = text;
  const bool negative = !rest.empty() && rest.front() == '-';
  if (!rest.empty() && (rest.front() == '-' || rest.front() == '+')) rest.remove_prefix(1);
  if (rest == "0") return Duration::zero();
  if (rest.empty()) return invalid(text, "nothing");
  std::uint64_t sum = 0;
  while (!rest.empty()) {
    Term term;
    if (!term.take_number(rest)) return invalid(text, "no usable number");
    const std::string_view name = Term::take_unit(rest);
    if (name.empty())
      return invalid(text, "missing unit", "write " + std::string(text) + "s for seconds; " + kUnitHint);
    const std::uint64_t unit = unit_of(name);
    if (unit == 0) return invalid(text, "unknown unit \"" + std::string(name) + "\"");
    if (!term.add(unit, sum)) return invalid(text, "number too large");
  }
  const auto count = static_cast<std::int64_t>(sum);
  return Duration(negative ? -count : count);
}

std::string format_duration(Duration duration) {
  const std::int64_t count = duration.count();
  if (count == 0) return "0s";
  const std::string sign = count < 0 ? "-" : "";
  const std::uint64_t n = count < 0 ? 0 - static_cast<std::uint64_t>(count) : static_cast<std::uint64_t>(count);
  if (n < 1'000) return sign + std::to_string(n) + "ns";
  if (n < 1'000'000) return sign + decimal(n, 1'000) + "\xc2\xb5s";
  if (n < 1'000'000'000) return sign + decimal(n, 1'000'000) + "ms";
  const std::uint64_t minutes = n / 60'000'000'000;
  std::string text = decimal(n % 60'000'000'000, 1'000'000'000) + "s";
  if (minutes > 0) text = std::to_string(minutes % 60) + "m" + text;
  if (minutes >= 60) text = std::to_string(minutes / 60) + "h" + text;
  return sign + text;
}

Result<std::uint64_t> parse_size(std::string_view text) {
  if (text.empty()) return fail(Errc::invalid_argument, "empty size string");
  const auto refuse = [&] {
    return fail(Errc::invalid_argument, "invalid size format: " + std::string(text), "write it as 5MB or 16MiB");
  };
  std::string number;
  std::size_t i = 0;
  for (; i < text.size() && (is_digit(text[i]) || text[i] == '.' || text[i] == ','); ++i)
    if (text[i] != ',') number += text[i];
  while (i < text.size() && text[i] == ' ') ++i;
  std::string unit;
  for (; i < text.size(); ++i) unit += static_cast<char>(std::tolower(static_cast<unsigned char>(text[i])));
  if (unit.ends_with('b')) unit.pop_back();
  const bool binary = unit.ends_with('i');
  if (binary) unit.pop_back();
  constexpr std::string_view kPrefixes = "kmgtpe";
  const std::size_t power = unit.empty() ? 0 : kPrefixes.find(unit) + 1;
  if (unit.size() > 1 || (!unit.empty() && power == 0) || (binary && unit.empty())) return refuse();
  if (number.empty() || number.find_first_not_of("0123456789.") != std::string::npos ||
      number.find('.') != number.rfind('.') || number == ".")
    return refuse();
  const long double value =
      std::strtold(number.c_str(), nullptr) * std::pow(binary ? 1024.0L : 1000.0L, static_cast<long double>(power));
  if (value >= 18446744073709551616.0L) return refuse();
  return static_cast<std::uint64_t>(value);
}

std::chrono::milliseconds to_milliseconds(Duration duration) {
  return std::chrono::ceil<std::chrono::milliseconds>(duration);
}

}  // namespace config
