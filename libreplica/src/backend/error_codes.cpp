#include "backend/error_codes.hpp"

#include <algorithm>

#include "http/status.hpp"

namespace replica::backend {

Error error_of_code(const http::Response& response, std::string_view what, std::string_view code,
                    std::string_view message, std::span<const Meaning> meanings, std::string_view elsewhere) {
  std::string detail(code);
  if (!message.empty()) detail.append(detail.empty() ? "" : ": ").append(message);
  Error error = http::error_of(response, what, detail);
  const auto meaning = std::find_if(meanings.begin(), meanings.end(), [&](const auto& m) { return m.code == code; });
  if (meaning != meanings.end()) {
    error.code = meaning->errc;
    error.hint = meaning->hint;
  } else if (response.ok()) {
    error.code = Errc::unavailable;
  } else if (error.code == Errc::not_found || response.status / 100 == 3) {
    error.code = Errc::invalid_argument;
    error.hint = elsewhere;
  }
  return error;
}

}  // namespace replica::backend
