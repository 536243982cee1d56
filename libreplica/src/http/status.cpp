#include "http/status.hpp"

#include <curl/curl.h>

#include "base/text.hpp"

namespace replica::http {
namespace {

constexpr std::size_t kLongestDetail = 300;

std::string one_line(std::string_view text) {
  std::string out(text.substr(0, kLongestDetail));
  for (char& c : out) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = ' ';
  }
  return out;
}

}  // namespace

Errc errc_of(int status) noexcept {
  switch (status) {
    case 401:
    case 403:
      return Errc::permission_denied;
    case 404:
    case 410:
      return Errc::not_found;
    case 408:
    case 504:
      return Errc::timed_out;
    case 409:
    case 412:
      return Errc::precondition_failed;
    case 416:
      return Errc::out_of_range;
    case 429:
    case 503:
      return Errc::busy;
    case 501:
      return Errc::unsupported;
    case 507:
      return Errc::no_space;
    default:
      return status >= 500 ? Errc::unavailable : Errc::invalid_argument;
  }
}

std::optional<std::chrono::seconds> retry_after(const Response& response) {
  const std::string_view text = response.header("retry-after");
  long long seconds = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
  if (error == std::errc() && end == text.data() + text.size() && seconds >= 0) return std::chrono::seconds(seconds);
  const std::time_t until = curl_getdate(std::string(text).c_str(), nullptr);
  const std::time_t now = curl_getdate(std::string(response.header("date")).c_str(), nullptr);
  if (until < 0 || now < 0 || until < now) return std::nullopt;
  return std::chrono::seconds(until - now);
}

std::optional<Timestamp> parse_http_date(std::string_view text) {
  const std::time_t time = curl_getdate(std::string(text).c_str(), nullptr);
  if (time < 0) return std::nullopt;
  return Timestamp(std::chrono::seconds(time));
}

std::string http_date(Timestamp time) {
  constexpr std::string_view kDays = "SunMonTueWedThuFriSat", kMonths = "JanFebMarAprMayJunJulAugSepOctNovDec";
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date(day);
  const auto month = static_cast<unsigned>(date.month());
  const auto two = [](auto number) { return base::concat(number < 10 ? "0" : "", number); };
  const auto seconds = std::chrono::floor<std::chrono::seconds>(time - day).count();
  return base::concat(kDays.substr(std::chrono::weekday(day).c_encoding() * 3U, 3), ", ",
                      two(static_cast<unsigned>(date.day())), " ", kMonths.substr((month - 1) * 3U, 3), " ",
                      static_cast<int>(date.year()), " ", two(seconds / 3600), ":", two(seconds / 60 % 60), ":",
                      two(seconds % 60), " GMT");
}

Error error_of(const Response& response, std::string_view what, std::string_view detail) {
  std::string message = base::concat(what, ": ");
  if (!detail.empty()) message += one_line(detail) + " ";
  return {.code = errc_of(response.status),
          .message = base::concat(message, "(HTTP ", response.status, ")"),
          .retry_after = retry_after(response)};
}

}  // namespace replica::http
