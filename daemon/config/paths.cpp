#include "config/paths.hpp"

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <filesystem>
#include <optional>

#include "config/url.hpp"

namespace config {

using replica::Errc;
using replica::fail;
using replica::Result;

namespace {

std::string home_directory() {
  const char* home = std::getenv("HOME");
  return home == nullptr ? std::string() : std::string(home);
}

}  // namespace

Result<std::string> absolute_path(std::string_view path) {
  for (const std::string_view scheme : {"sqlite://", "sqlite3://"})
    if (path.starts_with(scheme)) path.remove_prefix(scheme.size());
  if (path.empty()) return fail(Errc::invalid_argument, "path required");
  if (path.find('\0') != std::string_view::npos) return fail(Errc::invalid_argument, "path contains a zero byte");
  std::filesystem::path full(path);
  if (path == "~" || path.starts_with("~/")) {
    const std::string home = home_directory();
    if (home.empty()) return fail(Errc::invalid_argument, "cannot expand ~: HOME is not set", "write the path in full");
    full = home + std::string(path.substr(1));
  }
  std::error_code error;
  full = std::filesystem::absolute(full, error);
  if (error) return fail(Errc::io, "resolve path " + std::string(path) + ": " + error.message());
  std::string text = full.lexically_normal().string();
  while (text.size() > 1 && text.back() == '/') text.pop_back();
  return text;
}

bool is_url(std::string_view text) noexcept {
  const std::size_t colon = text.find("://");
  if (colon == std::string_view::npos || colon == 0) return false;
  const auto word = [](char c) { return c == '_' || std::isalnum(static_cast<unsigned char>(c)) != 0; };
  return std::all_of(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(colon), word);
}

Result<std::string> parse_file_url(std::string_view url) {
  const std::size_t colon = url.find(':');
  if (colon == std::string_view::npos || colon == 0)
    return fail(Errc::invalid_argument, "replica url scheme required: " + std::string(url),
                "write a file replica as file:///path");
  std::string scheme(url.substr(0, colon));
  std::transform(scheme.begin(), scheme.end(), scheme.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  if (scheme != "file") return fail(Errc::invalid_argument, "not the url of a file replica: " + std::string(url));
  std::string_view rest = url.substr(colon + 1);
  rest = rest.substr(0, rest.find('?'));
  const bool hierarchical = rest.starts_with("//");
  if (hierarchical) rest.remove_prefix(2);
  auto path = decode_url_text(rest);
  if (!path) return path;
  if (path->empty()) return fail(Errc::invalid_argument, "file replica path required");
  if (hierarchical && path->front() != '/') path->insert(path->begin(), '/');
  return absolute_path(*path);
}

std::string file_url(std::string_view absolute_path) {
  return "file://" + encode_url_text(absolute_path, "/-._~!$&'()*+,;=:@");
}

}  // namespace config
