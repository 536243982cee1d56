#include "config/section.hpp"

#include <numeric>

namespace config {

using replica::Errc;
using replica::fail;
using replica::Result;

namespace {

// Insertions, deletions and substitutions between the two words.
std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t substituted = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({substituted, row[j] + 1, row[j - 1] + 1});
    }
  }
  return row[b.size()];
}

std::string name_of(const Spot& section) { return section.path.empty() ? "" : " in " + section.path; }

}  // namespace

std::string_view nearest(std::string_view word, const std::vector<std::string_view>& candidates) {
  std::string_view best;
  std::size_t least = std::max<std::size_t>(2, word.size() / 3) + 1;
  for (const std::string_view candidate : candidates) {
    const std::size_t distance = edit_distance(word, candidate);
    if (distance < least && distance < candidate.size()) {
      least = distance;
      best = candidate;
    }
  }
  return best;
}

Result<void> expect_map(const Spot& spot, const Node& node) {
  if (node.kind == Node::Kind::null || node.kind == Node::Kind::map) return {};
  return fail_at(spot, "expected keys and values");
}

replica::Failure fail_unknown_key(const Spot& section, const Node::Key& key,
                                  const std::vector<std::string_view>& known) {
  const std::string_view guess = nearest(key.name, known);
  std::string hint = guess.empty() ? std::string("remove the key; the known ones are listed by -help-config")
                                   : "did you mean \"" + std::string(guess) + "\"?";
  return fail(Errc::invalid_argument,
              std::to_string(key.line) + ": unknown key \"" + key.name + "\"" + name_of(section), std::move(hint));
}

replica::Failure fail_unsupported_key(const Spot& section, const Node::Key& key) {
  return fail(Errc::unsupported,
              std::to_string(key.line) + ": key \"" + key.name + "\"" + name_of(section) +
                  " is not supported by this build yet",
              "remove the key");
}

Spot below(const Spot& section, std::string_view key, int line) {
  return {section.path.empty() ? std::string(key) : section.path + "." + std::string(key), line};
}

}  // namespace config
