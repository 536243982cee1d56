#include "base/glob.hpp"

#include <cstddef>

namespace replica::base {
namespace {

// The end of the set that begins at `at` with '[', or npos when it is not closed.
std::size_t end_of_set(std::string_view glob, std::size_t at) {
  std::size_t first = at + 1;
  if (first < glob.size() && (glob[first] == '!' || glob[first] == '^')) ++first;
  return glob.find(']', first + 1);  // a ] in the first place is one of the set
}

bool in_set(std::string_view set, char c) {
  const bool negated = !set.empty() && (set.front() == '!' || set.front() == '^');
  if (negated) set.remove_prefix(1);
  bool found = false;
  for (std::size_t i = 0; i < set.size(); ++i) {
    const bool range = i + 2 < set.size() && set[i + 1] == '-';
    found = found || (range ? set[i] <= c && c <= set[i + 2] : set[i] == c);
    if (range) i += 2;
  }
  return found != negated;
}

// Does the one character that `glob` stands for at `at` match? `at` is moved behind it.
bool matches_one(std::string_view glob, std::size_t& at, char c) {
  if (glob[at] == '?') {
    ++at;
    return true;
  }
  if (glob[at] == '[') {
    if (const std::size_t end = end_of_set(glob, at); end != std::string_view::npos) {
      const bool found = in_set(glob.substr(at + 1, end - at - 1), c);
      at = end + 1;
      return found;
    }
  }
  if (glob[at] == '\\' && at + 1 < glob.size()) ++at;
  return glob[at++] == c;
}

}  // namespace

bool matches_glob(std::string_view glob, std::string_view text) noexcept {
  std::size_t at = 0, in = 0;
  // Where to go on when what follows the last * does not fit: only that one ever has to give way.
  std::size_t star = std::string_view::npos, star_in = 0;
  while (in < text.size()) {
    if (at < glob.size() && glob[at] == '*') {
      star = at++;
      star_in = in;
      continue;
    }
    std::size_t next = at;
    if (at < glob.size() && matches_one(glob, next, text[in])) {
      at = next;
      ++in;
      continue;
    }
    if (star == std::string_view::npos) return false;
    at = star + 1;
    in = ++star_in;
  }
  while (at < glob.size() && glob[at] == '*') ++at;
  return at == glob.size();
}

}  // namespace replica::base
