// $NAME and ${NAME} in the raw text of the configuration file, before it is read as YAML.
#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace config {

// nullopt = not set.
using Environment = std::function<std::optional<std::string>(std::string_view name)>;

// The process environment; PID is the pid of this process.
std::optional<std::string> process_environment(std::string_view name);

// An unset variable becomes nothing; so does `$` with one of *#$@!?-0123456789 and `${}`: there is no escape for a
// dollar. A `$` before anything else stays. `${` without `}` loses these two characters.
std::string expand_environment(std::string_view text, const Environment& environment);

// The same, and where its parts come from.
struct Expansion {
  struct Part {
    std::size_t at, origin;  // offsets in the expanded and in the raw text
    bool substituted;        // a variable's value; else copied
  };
  std::string text;
  std::vector<Part> parts;

  // Where in the raw text this offset comes from; of a variable's value: where its `$` is.
  std::size_t origin(std::size_t at) const noexcept;
};
Expansion trace_environment(std::string_view text, const Environment& environment);

}  // namespace config
