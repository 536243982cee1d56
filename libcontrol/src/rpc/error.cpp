#include "control/error.hpp"

namespace control {

Error timeout_error(std::string_view method) {
  return {.code = code::kTimeout,
          .message = "timeout waiting for " + std::string(method),
          .reason = "timed_out",
          .hint = "try again with a longer timeout",
          .retryable = true};
}

Error invalid_params(std::string message) {
  return {.code = code::kInvalidParams, .message = std::move(message), .reason = "invalid_params"};
}

}  // namespace control
