// The databases of the configuration in force, remembered for the next reload in little memory: what the settings of
// many have in common is there once.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/config.hpp"
#include "config/packed_texts.hpp"

namespace config {

class Remembered {
 public:
  Remembered() = default;
  explicit Remembered(const std::vector<DatabaseSettings>& databases);

  // As it was given, but for lines and for the `url` and `path` of replicas, of which `root`, `key_prefix` and
  // `location` are the meaning.
  std::optional<DatabaseSettings> find(std::string_view path) const;
  std::vector<std::string> paths() const;  // ascending
  std::size_t size() const noexcept { return items_.size(); }
  std::size_t shapes() const;  // different settings that are kept

  void put(const DatabaseSettings& settings);
  void erase(std::string_view path);

 private:
  struct Item {
    PackedTexts texts;                              // what is its own, path first
    std::shared_ptr<const DatabaseSettings> shape;  // all the rest
    std::string_view path() const { return texts.first(); }
  };
  Item packed(const DatabaseSettings& settings);
  std::vector<Item>::const_iterator at(std::string_view path) const;

  std::vector<Item> items_;                                      // by path
  std::vector<std::shared_ptr<const DatabaseSettings>> recent_;  // shapes that the next ones may have too
};

}  // namespace config
