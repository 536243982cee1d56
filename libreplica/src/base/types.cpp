#include "replica/types.hpp"

#include <algorithm>
#include <charconv>

#include "base/text.hpp"

namespace replica {
namespace {

// Reads exactly `digits` decimal digits off the front of `text`.
bool take(std::string_view& text, std::size_t digits, int& value) {
  if (text.size() < digits) return false;
  const char* end = text.data() + digits;
  for (const char* p = text.data(); p != end; ++p) {
    if (*p < '0' || *p > '9') return false;
  }
  std::from_chars(text.data(), end, value);
  text.remove_prefix(digits);
  return true;
}

bool take(std::string_view& text, std::string_view any_of) {
  if (text.empty() || any_of.find(text.front()) == std::string_view::npos) return false;
  text.remove_prefix(1);
  return true;
}

std::string padded(int value, std::size_t width) {
  std::string text = std::to_string(value);
  return text.size() < width ? std::string(width - text.size(), '0') + text : text;
}

}  // namespace

Result<TxId> TxId::parse(std::string_view text) {
  TxId txid;
  const char* end = text.data() + text.size();
  const auto [stopped, code] = std::from_chars(text.data(), end, txid.value, 16);
  if (text.size() != 16 || code != std::errc{} || stopped != end) {
    return fail(Errc::invalid_argument, "invalid txid format", "a TXID is 16 hexadecimal digits");
  }
  return txid;
}

std::string TxId::text() const { return base::hex(value, 16); }

std::string to_rfc3339(Timestamp time) {
  using namespace std::chrono_literals;
  constexpr Timestamp kFirst = std::chrono::sys_days(std::chrono::January / 1 / 0);
  constexpr Timestamp kLast = std::chrono::sys_days(std::chrono::January / 1 / 10000) - 1ms;
  time = std::clamp(time, kFirst, kLast);
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss clock(time - day);
  std::string text = padded(static_cast<int>(date.year()), 4) + '-' +
                     padded(static_cast<int>(static_cast<unsigned>(date.month())), 2) + '-' +
                     padded(static_cast<int>(static_cast<unsigned>(date.day())), 2) + 'T' +
                     padded(static_cast<int>(clock.hours().count()), 2) + ':' +
                     padded(static_cast<int>(clock.minutes().count()), 2) + ':' +
                     padded(static_cast<int>(clock.seconds().count()), 2);
  if (const auto fraction = clock.subseconds().count(); fraction != 0)
    text += '.' + padded(static_cast<int>(fraction), 3);
  return text + 'Z';
}

Result<Timestamp> parse_rfc3339(std::string_view text) {
  const auto bad = [] { return fail(Errc::invalid_argument, "invalid time", "write it as 2000-01-01T00:00:00Z"); };
  int year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0, milliseconds = 0, offset = 0;
  if (!take(text, 4, year) || !take(text, "-") || !take(text, 2, month) || !take(text, "-") || !take(text, 2, day))
    return bad();
  if (!take(text, "Tt ") || !take(text, 2, hour) || !take(text, ":") || !take(text, 2, minute)) return bad();
  if (!take(text, ":") || !take(text, 2, second)) return bad();
  if (take(text, ".")) {
    int digits = 0;
    for (int digit = 0; take(text, 1, digit); ++digits) {
      if (digits < 3) milliseconds = milliseconds * 10 + digit;
    }
    if (digits == 0) return bad();
    for (; digits < 3; ++digits) milliseconds *= 10;
  }
  if (!take(text, "Zz")) {
    const int sign = text.starts_with('-') ? -1 : 1;
    int hours = 0, minutes = 0;
    if (!take(text, "+-") || !take(text, 2, hours) || !take(text, ":") || !take(text, 2, minutes)) return bad();
    if (hours > 23 || minutes > 59) return bad();
    offset = sign * (hours * 60 + minutes);
  }
  const std::chrono::year_month_day date(std::chrono::year(year), std::chrono::month(static_cast<unsigned>(month)),
                                         std::chrono::day(static_cast<unsigned>(day)));
  if (!text.empty() || !date.ok() || hour > 23 || minute > 59 || second > 60) return bad();
  return Timestamp(std::chrono::sys_days(date) + std::chrono::hours(hour) + std::chrono::minutes(minute - offset) +
                   std::chrono::seconds(second) + std::chrono::milliseconds(milliseconds));
}

}  // namespace replica
