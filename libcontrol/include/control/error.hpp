// Errors as values for everything in libcontrol; the same value travels over the wire as a JSON-RPC error.
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <utility>

namespace control {

// The codes of JSON-RPC 2.0 and the three of ours.
namespace code {
inline constexpr int kParseError = -32700;
inline constexpr int kInvalidRequest = -32600;
inline constexpr int kMethodNotFound = -32601;
inline constexpr int kInvalidParams = -32602;
inline constexpr int kInternalError = -32603;
inline constexpr int kTransport = -32000;    // made by the client only: no reply could be had
inline constexpr int kApplication = -32001;  // every failure of a method but a timeout
inline constexpr int kTimeout = -32004;
}  // namespace code

// Sent as {"code", "message", "data": {"reason", "hint", "retryable"}}. `message` is lower case without a full stop,
// `reason` a stable word to branch on ("not_found", "already_enabled"…), `hint` tells the user what to do. Both may be
// empty. `retryable`: trying again later may help without anybody acting. None of them ever holds a secret.
struct Error {
  int code = code::kApplication;
  std::string message;
  std::string reason{};
  std::string hint{};
  bool retryable = false;
  std::chrono::milliseconds retry_after{0};  // not before that; 0 = not known. "retry_after" in seconds on the wire

  friend bool operator==(const Error&, const Error&) = default;
};

// tl::expected that may not be ignored.
template <class T>
class [[nodiscard]] Result : public tl::expected<T, Error> {
 public:
  using tl::expected<T, Error>::expected;
};

using Failure = tl::unexpected<Error>;

// `return fail({.message = "database not found: " + path, .reason = "not_found"});`
inline Failure fail(Error error) { return Failure(std::move(error)); }

// "timeout waiting for start": the answer of a method whose deadline passed.
Error timeout_error(std::string_view method);

// -32602 with the message as given: "path required".
Error invalid_params(std::string message);

}  // namespace control
