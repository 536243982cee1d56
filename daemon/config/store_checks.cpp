#include "config/store_checks.hpp"

#include <algorithm>
#include <cctype>

#include "config/s3_store.hpp"

namespace config {

using replica::Errc;
using replica::fail;

bool is_made_of(std::string_view text, std::string_view also) noexcept {
  return std::all_of(text.begin(), text.end(), [&](unsigned char c) {
    return (c < 0x80 && std::isalnum(c) != 0) || also.find(static_cast<char>(c)) != std::string_view::npos;
  });
}

bool is_endpoint(std::string_view text) noexcept {
  const std::size_t scheme = text.find("://");
  const auto odd = [](unsigned char c) { return c <= 0x20 || c >= 0x7f || c == '@' || c == '?' || c == '#'; };
  const bool known = text.starts_with("http://") || text.starts_with("https://");
  return known && text.size() > scheme + 3 && text[scheme + 3] != '/' && std::none_of(text.begin(), text.end(), odd);
}

std::string complete_endpoint(std::string endpoint, bool local) {
  if (!endpoint.empty() && endpoint.find("://") == std::string::npos)
    endpoint.insert(0, local && is_local_host(endpoint.substr(0, endpoint.find('/'))) ? "http://" : "https://");
  while (endpoint.ends_with('/')) endpoint.pop_back();
  return endpoint;
}

replica::Result<void> check_parts(const StoreSettings& store, std::uint64_t least, std::string_view least_text) {
  if (store.part_size && store.part_size->bytes < least)
    return fail(Errc::invalid_argument, "part-size must be at least " + std::string(least_text) + " (got " +
                                            std::to_string(store.part_size->bytes) + " bytes)");
  if (store.concurrency && *store.concurrency < 1)
    return fail(Errc::invalid_argument,
                "concurrency must be greater than 0 (got " + std::to_string(*store.concurrency) + ")");
  return {};
}

}  // namespace config
