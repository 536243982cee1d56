// What the error codes of HTTP stores mean to a caller.
#pragma once

#include <span>

#include "http/message.hpp"

namespace replica::backend {

struct Meaning {
  std::string_view code;
  Errc errc;
  std::string_view hint = {};
};

// For an answer that is none of 2xx, or one whose body is an error all the same. A code that is not among `meanings`
// counts as its status does, but never as not_found: a store that is not there, or is none, must not look empty. Then,
// and for a redirect, `elsewhere` is the hint.
Error error_of_code(const http::Response& response, std::string_view what, std::string_view code,
                    std::string_view message, std::span<const Meaning> meanings, std::string_view elsewhere);

}  // namespace replica::backend
