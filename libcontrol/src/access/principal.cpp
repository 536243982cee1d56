#include <algorithm>
#include <array>
#include <filesystem>

#include "control/access.hpp"

namespace control {
namespace {

constexpr std::array<std::string_view, 3> kRoles{"read", "operate", "admin"};

bool is_normal(std::string_view path) {
  return path.starts_with('/') && std::filesystem::path(path).lexically_normal().native() == path &&
         (path.size() == 1 || !path.ends_with('/'));
}

}  // namespace

std::string_view role_name(Role role) { return kRoles.at(static_cast<std::size_t>(role)); }

std::optional<Role> parse_role(std::string_view word) {
  const auto found = std::find(kRoles.begin(), kRoles.end(), word);
  if (found == kRoles.end()) return std::nullopt;
  return static_cast<Role>(found - kRoles.begin());
}

// reached[i]: the glob so far matches the first i bytes. Time is the product of the two lengths, whatever the glob.
bool glob_matches(std::string_view glob, std::string_view path) {
  std::vector<bool> reached(path.size() + 1, false);
  reached[0] = true;
  for (std::size_t g = 0; g < glob.size(); ++g) {
    std::vector<bool> next(path.size() + 1, false);
    const bool star = glob[g] == '*';
    const bool crosses = star && g + 1 < glob.size() && glob[g + 1] == '*';
    if (crosses) ++g;
    for (std::size_t i = 0; i <= path.size(); ++i) {
      if (star) {
        next[i] = reached[i] || (i > 0 && next[i - 1] && (crosses || path[i - 1] != '/'));
      } else if (i > 0) {
        next[i] = reached[i - 1] && (glob[g] == '?' ? path[i - 1] != '/' : glob[g] == path[i - 1]);
      }
    }
    reached = std::move(next);
  }
  return reached[path.size()];
}

bool Principal::may_use(std::string_view database) const {
  if (sees_all()) return true;
  return is_normal(database) && std::any_of(databases.begin(), databases.end(),
                                            [&](const std::string& glob) { return glob_matches(glob, database); });
}

Error unauthenticated(std::string hint) {
  return {.message = "authentication required", .reason = "unauthenticated", .hint = std::move(hint)};
}

Error forbidden(std::string_view what, std::string hint) {
  return {.message = "not allowed: " + std::string(what), .reason = "forbidden", .hint = std::move(hint)};
}

Error rate_limited(std::chrono::milliseconds retry_after) {
  return {.message = "too many calls",
          .reason = "rate_limited",
          .hint = "try again in " + std::to_string(retry_after.count()) + " ms",
          .retryable = true,
          .retry_after = retry_after};
}

}  // namespace control
