#include <algorithm>

#include "control/methods.hpp"
#include "control/observer.hpp"

namespace control {

std::optional<Error> authorise(const Principal& principal, const Method& method, std::optional<std::string_view> path) {
  if (principal.role < method.role) {
    return forbidden(method.name, "needs the role " + std::string(role_name(method.role)) + "; " + principal.name +
                                      " has " + std::string(role_name(principal.role)));
  }
  if (principal.sees_all()) return std::nullopt;
  if (path) {
    if (principal.may_use(*path)) return std::nullopt;
    return forbidden(*path, "not among the databases of " + principal.name);
  }
  // What names no database must either show each caller its own only, or tell nothing of any.
  if (method.for_all || method.lists_databases()) return std::nullopt;
  return forbidden(method.name, principal.name + " may use some of the databases only");
}

bool Method::lists_databases() const {
  return result_is_array &&
         std::any_of(result.begin(), result.end(), [](const Field& field) { return field.name == "path"; });
}

bool CallRecord::changes() const { return known != nullptr && known->role != Role::read; }

bool CallRecord::refused() const {
  return error != nullptr &&
         (error->reason == "forbidden" || error->reason == "unauthenticated" || error->reason == "rate_limited");
}

}  // namespace control
