#include "verb.hpp"

namespace litestreamctl {

tl::unexpected<Problem> problem(const replica::Error& error) {
  return tl::unexpected(Problem{error.message, error.hint});
}

tl::unexpected<Problem> problem(const control::Error& error) {
  return tl::unexpected(Problem{error.message, error.hint});
}

tl::unexpected<Problem> misuse(std::string message, const std::string& example) {
  return tl::unexpected(Problem{std::move(message), example.empty() ? "" : "Try: " + example, kUsageError});
}

}  // namespace litestreamctl
