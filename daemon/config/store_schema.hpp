// The keys of StoreSettings, in one table: how each is read, inherited and written.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "config/scalar.hpp"
#include "config/store_settings.hpp"

namespace config {

// False when `name` is none of these keys. `spot` is that of the key.
replica::Result<bool> read_store_key(const Spot& spot, std::string_view name, const Node& node, StoreSettings& out);
std::vector<std::string_view> store_key_names();
// A parameter of an address, called like the key that it gives; invalid_argument when it is none of `allowed`.
replica::Result<void> read_store_parameter(const std::string& name, const std::string& value,
                                           std::span<const std::string_view> allowed, StoreSettings& out);

// Takes from `defaults` what `own` does not say.
void inherit(StoreSettings& own, const StoreSettings& defaults);

// What is said, as YAML values in the order of the table; secrets are left out.
struct StoreValue {
  std::string_view key;
  std::string text;
  bool quoted = false;  // a text, not a number or a boolean
};
std::vector<StoreValue> open_values(const StoreSettings& settings);
// True when open_values() leaves something out.
bool has_secrets(const StoreSettings& settings);

// One block for -help-config.
std::string describe_store();

}  // namespace config
