// What an answer's status means to a caller.
#pragma once

#include <chrono>
#include <optional>

#include "http/message.hpp"

namespace replica::http {

// 429 and 503 busy; 408 and 504 timed_out; 5xx unavailable; 401 and 403 permission_denied; 404 and 410 not_found;
// 409 and 412 precondition_failed; 416 out_of_range; 501 unsupported; 507 no_space; the rest invalid_argument.
Errc errc_of(int status) noexcept;

// Retry-After in seconds, or as an HTTP date seen from the answer's own Date.
std::optional<std::chrono::seconds> retry_after(const Response& response);

// Of a date in any of HTTP's forms.
std::optional<Timestamp> parse_http_date(std::string_view text);
// "Fri, 24 May 2013 00:00:00 GMT"
std::string http_date(Timestamp time);

// An Error for an answer that is none of 2xx: "WHAT: DETAIL (HTTP 503)". `detail` comes from the store; control
// characters are taken out and it is cut to a line.
Error error_of(const Response& response, std::string_view what, std::string_view detail = {});

}  // namespace replica::http
