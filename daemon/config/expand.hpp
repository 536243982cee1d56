// $NAME and ${NAME} in the raw text of the configuration file, before it is read as YAML.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace config {

// nullopt = not set.
using Environment = std::function<std::optional<std::string>(std::string_view name)>;

// The process environment; PID is the pid of this process.
std::optional<std::string> process_environment(std::string_view name);

// An unset variable becomes nothing; so does `$` with one of *#$@!?-0123456789 and `${}`: there is no escape for a
// dollar. A `$` before anything else stays. `${` without `}` loses these two characters.
std::string expand_environment(std::string_view text, const Environment& environment);

}  // namespace config
