#include "config/paths.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdlib>
#include <filesystem>
#include <optional>

namespace config {

using replica::Errc;
using replica::fail;
using replica::Result;

namespace {

constexpr std::array<std::string_view, 8> kPeerTypes{"s3", "gs", "abs", "sftp", "webdav", "webdavs", "nats", "oss"};

std::string home_directory() {
  const char* home = std::getenv("HOME");
  return home == nullptr ? std::string() : std::string(home);
}

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  const int lower = std::tolower(static_cast<unsigned char>(c));
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

Result<std::string> percent_decode(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out += text[i];
      continue;
    }
    const int high = i + 2 < text.size() ? hex_value(text[i + 1]) : -1;
    const int low = i + 2 < text.size() ? hex_value(text[i + 2]) : -1;
    if (high < 0 || low < 0)
      return fail(Errc::invalid_argument, "invalid escape in replica url: " + std::string(text.substr(i, 3)),
                  "a percent sign itself is written %25");
    out += static_cast<char>(high * 16 + low);
    i += 2;
  }
  return out;
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

Result<void> check_replica_type(std::string_view type) {
  if (type.empty() || type == "file") return {};
  if (std::find(kPeerTypes.begin(), kPeerTypes.end(), type) != kPeerTypes.end())
    return fail(Errc::unsupported, "replica type " + std::string(type) + " is not supported by this build yet",
                "use a replica of type file");
  return fail(Errc::invalid_argument, "unknown replica type in config: \"" + std::string(type) + "\"");
}

Result<std::string> parse_file_url(std::string_view url) {
  const std::size_t colon = url.find(':');
  if (colon == std::string_view::npos || colon == 0)
    return fail(Errc::invalid_argument, "replica url scheme required: " + std::string(url),
                "write a file replica as file:///path");
  std::string scheme(url.substr(0, colon));
  std::transform(scheme.begin(), scheme.end(), scheme.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  if (auto known = check_replica_type(scheme); !known) return replica::pass(known);
  std::string_view rest = url.substr(colon + 1);
  rest = rest.substr(0, rest.find('?'));
  const bool hierarchical = rest.starts_with("//");
  if (hierarchical) rest.remove_prefix(2);
  auto path = percent_decode(rest);
  if (!path) return path;
  if (path->empty()) return fail(Errc::invalid_argument, "file replica path required");
  if (hierarchical && path->front() != '/') path->insert(path->begin(), '/');
  return absolute_path(*path);
}

std::string file_url(std::string_view absolute_path) {
  constexpr std::string_view kHex = "0123456789ABCDEF";
  constexpr std::string_view kSafe = "/-._~!$&'()*+,;=:@";
  std::string out = "file://";
  for (const char c : absolute_path) {
    const auto byte = static_cast<unsigned char>(c);
    if (std::isalnum(byte) != 0 || kSafe.find(c) != std::string_view::npos) {
      out += c;
    } else {
      out += {'%', kHex[byte >> 4U], kHex[byte & 15U]};
    }
  }
  return out;
}

}  // namespace config
