#include "backend/clock_check.hpp"

#include "base/text.hpp"
#include "http/status.hpp"

namespace replica::backend {
namespace {

constexpr std::chrono::minutes kAllowed{5};

}  // namespace

std::string clock_hint(const http::Response& answer, Timestamp now) {
  const auto theirs = http::parse_http_date(answer.header("date"));
  if (!theirs) return {};
  const auto apart = std::chrono::round<std::chrono::minutes>(now - *theirs);
  if (std::chrono::abs(apart) < kAllowed) return {};
  return base::concat("set the clock of this machine: it is ", std::chrono::abs(apart).count(), " minutes ",
                      apart.count() > 0 ? "ahead of" : "behind", " that of the store");
}

}  // namespace replica::backend
