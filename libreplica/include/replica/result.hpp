// Errors as values. Every function that can fail returns a Result; nothing in libreplica throws
// on purpose, and nothing is logged instead of returned. See docs/adr/0001-errors-as-values.md.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <utility>

namespace replica {

// What a caller may branch on. A code is added only when somebody does.
enum class Errc : unsigned char {
  not_found,
  already_exists,
  precondition_failed,
  permission_denied,
  invalid_argument,
  out_of_range,
  corrupt,
  unsupported,
  busy,
  unavailable,
  timed_out,
  cancelled,
  no_space,
  io,
};

// Stable lower-case name, as printed in logs and sent as `data.reason`: "not_found", "no_space"…
std::string_view name(Errc code) noexcept;

// `message` is lower case without a full stop and says what was being done; `hint`, possibly empty,
// tells the user what to do. Neither ever holds a secret.
struct Error {
  Errc code{};
  std::string message;
  std::string hint{};
  std::optional<std::chrono::seconds> retry_after{};  // a store asked not to be called before

  // The same error with what the caller was doing in front: "read header: unexpected end of file".
  [[nodiscard]] Error within(std::string_view what) &&;
};

// True for busy, unavailable, timed_out and io: trying again later may help without anybody acting.
bool is_retryable(const Error& error) noexcept;

// tl::expected that may not be ignored.
template <class T>
class [[nodiscard]] Result : public tl::expected<T, Error> {
 public:
  using tl::expected<T, Error>::expected;
};

using Failure = tl::unexpected<Error>;

// `return fail(Errc::corrupt, "page 7 is missing");`
Failure fail(Errc code, std::string message, std::string hint = {});

// `if (!r) return pass(r, "read header");` — hands the error of a failed Result on, with context.
template <class T>
Failure pass(Result<T>& result, std::string_view what = {}) {
  Error error = std::move(result.error());
  return Failure(what.empty() ? std::move(error) : std::move(error).within(what));
}

}  // namespace replica
