// What the stores over HTTP check of their settings.
#pragma once

#include <string>
#include <string_view>

#include "config/store_settings.hpp"
#include "replica/result.hpp"

namespace config {

// Letters and digits of ASCII, and what `also` lists.
bool is_made_of(std::string_view text, std::string_view also) noexcept;

// A URL with http or https, without user, query or fragment.
bool is_endpoint(std::string_view text) noexcept;
// With "https://" where there is no scheme, or "http://" where `local` and the host is near; no slash at the end.
std::string complete_endpoint(std::string endpoint, bool local);

// part-size and concurrency; `least_text` is `least` as users write it.
replica::Result<void> check_parts(const StoreSettings& store, std::uint64_t least, std::string_view least_text);

}  // namespace config
