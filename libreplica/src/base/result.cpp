#include "replica/result.hpp"

namespace replica {

std::string_view name(Errc code) noexcept {
  switch (code) {
    case Errc::not_found:
      return "not_found";
    case Errc::already_exists:
      return "already_exists";
    case Errc::precondition_failed:
      return "precondition_failed";
    case Errc::permission_denied:
      return "permission_denied";
    case Errc::invalid_argument:
      return "invalid_argument";
    case Errc::out_of_range:
      return "out_of_range";
    case Errc::corrupt:
      return "corrupt";
    case Errc::unsupported:
      return "unsupported";
    case Errc::busy:
      return "busy";
    case Errc::unavailable:
      return "unavailable";
    case Errc::timed_out:
      return "timed_out";
    case Errc::cancelled:
      return "cancelled";
    case Errc::no_space:
      return "no_space";
    case Errc::io:
      return "io";
  }
  return "unknown";
}

Error Error::within(std::string_view what) && {
  message.insert(0, std::string(what) + ": ");
  return std::move(*this);
}

bool is_retryable(const Error& error) noexcept {
  return error.code == Errc::busy || error.code == Errc::unavailable || error.code == Errc::timed_out ||
         error.code == Errc::io;
}

Failure fail(Errc code, std::string message, std::string hint) {
  return Failure(Error{.code = code, .message = std::move(message), .hint = std::move(hint)});
}

}  // namespace replica
