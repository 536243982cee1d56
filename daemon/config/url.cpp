#include "config/url.hpp"

#include <algorithm>
#include <cctype>
#include <charconv>

namespace config {

using replica::Errc;
using replica::fail;
using replica::Result;

namespace {

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  const int lower = std::tolower(static_cast<unsigned char>(c));
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

// Takes the part before `mark` off `rest`; all of it when there is none.
std::string_view cut(std::string_view& rest, char mark) {
  const std::size_t at = std::min(rest.find(mark), rest.size());
  const std::string_view part = rest.substr(0, at);
  rest.remove_prefix(std::min(at + 1, rest.size()));
  return part;
}

Result<void> read_authority(std::string_view text, Url& out) {
  const std::size_t at = text.rfind('@');
  if (at != std::string_view::npos) {
    std::string_view user = text.substr(0, at);
    auto name = decode_url_text(cut(user, ':')), password = decode_url_text(user);
    if (!name) return replica::pass(name);
    if (!password) return replica::pass(password);
    out.user = std::move(*name);
    out.password = std::move(*password);
    text.remove_prefix(at + 1);
  }
  auto host = decode_url_text(text);
  if (!host) return replica::pass(host);
  out.host = std::move(*host);
  return {};
}

Result<void> read_query(std::string_view text, Url& out) {
  while (!text.empty()) {
    std::string_view value = cut(text, '&');
    const std::string_view raw = cut(value, '=');
    auto name = decode_url_text(raw, true), decoded = decode_url_text(value, true);
    if (!name) return replica::pass(name);
    if (!decoded) return replica::pass(decoded);
    if (!name->empty()) out.query.emplace_back(std::move(*name), std::move(*decoded));
  }
  return {};
}

// HOST, HOST:PORT, [V6] or [V6]:PORT, as far as colons go.
bool is_host_port(std::string_view text) {
  const std::size_t name = text.starts_with('[') ? text.find(']') : std::min(text.find(':'), text.size()) - 1;
  if (name >= text.size()) return false;
  const std::string_view port = text.substr(name + 1);
  if (port.empty()) return true;
  return port.starts_with(':') && port.size() > 1 && port.find_first_not_of("0123456789", 1) == std::string_view::npos;
}

}  // namespace

Result<std::string> decode_url_text(std::string_view text, bool plus) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out += plus && text[i] == '+' ? ' ' : text[i];
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

std::string encode_url_text(std::string_view text, std::string_view also) {
  constexpr std::string_view kHex = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if ((byte < 0x80 && std::isalnum(byte) != 0) || also.find(c) != std::string_view::npos) {
      out += c;
    } else {
      out += {'%', kHex[byte >> 4U], kHex[byte & 15U]};
    }
  }
  return out;
}

Result<Url> parse_url(std::string_view url) {
  const std::size_t colon = url.find("://");
  if (colon == std::string_view::npos || colon == 0)
    return fail(Errc::invalid_argument, "replica url scheme required: " + std::string(url.substr(0, url.find('?'))));
  Url out;
  out.scheme = url.substr(0, colon);
  std::transform(out.scheme.begin(), out.scheme.end(), out.scheme.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  std::string_view rest = url.substr(colon + 3);
  std::string_view before_query = cut(rest, '?');
  if (auto read = read_query(rest, out); !read) return replica::pass(read);
  const std::size_t slash = std::min(before_query.find('/'), before_query.size());
  if (auto read = read_authority(before_query.substr(0, slash), out); !read) return replica::pass(read);
  auto path = decode_url_text(before_query.substr(slash));
  if (!path) return replica::pass(path);
  out.path = std::move(*path);
  return out;
}

std::string without_password(std::string_view url) {
  url = url.substr(0, url.find('?'));
  const std::size_t scheme = url.find("://");
  const std::size_t host = scheme == std::string_view::npos ? 0 : scheme + 3;
  const std::string_view authority = url.substr(host, url.find('/', host) - host);
  const std::size_t at = authority.rfind('@'), colon = authority.find(':');
  if (at == std::string_view::npos || colon > at) return std::string(url);
  return std::string(url.substr(0, host + colon)) + std::string(url.substr(host + at));
}

Result<HostPort> parse_host_port(std::string_view text) {
  const auto refuse = [] { return fail(Errc::invalid_argument, "the host must be HOST or HOST:PORT"); };
  HostPort out;
  std::string_view port;
  if (text.starts_with('[')) {
    const std::size_t end = std::min(text.find(']'), text.size());
    out.host = text.substr(1, end - 1);
    port = text.substr(std::min(end + 1, text.size()));
    if (end == text.size() || (!port.empty() && port.front() != ':')) return refuse();
  } else {
    out.host = text.substr(0, text.find(':'));
    port = text.substr(out.host.size());
  }
  const auto odd = [](unsigned char c) {
    return c <= 0x20 || c >= 0x7f || std::string_view("@/?#%,[]\\\"").find(static_cast<char>(c)) != std::string::npos;
  };
  if (out.host.empty() || std::any_of(out.host.begin(), out.host.end(), odd)) return refuse();
  if (port.empty()) return out;
  port.remove_prefix(1);
  std::uint16_t number = 0;
  const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), number);
  if (error != std::errc() || end != port.data() + port.size() || number == 0) return refuse();
  out.port = number;
  return out;
}

std::string address_text(const HostPort& place, std::uint16_t standard) {
  const bool v6 = place.host.find(':') != std::string::npos;
  std::string out = v6 ? "[" + place.host + "]" : place.host;
  std::transform(out.begin(), out.end(), out.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  if (place.port.value_or(standard) != standard) out += ":" + std::to_string(*place.port);
  return out;
}

std::string_view host_of(std::string_view endpoint) {
  const std::size_t scheme = endpoint.find("://");
  if (scheme != std::string_view::npos) endpoint.remove_prefix(scheme + 3);
  return endpoint.substr(0, endpoint.find('/'));
}

bool is_http_endpoint(std::string_view endpoint) {
  const bool known = endpoint.starts_with("http://") || endpoint.starts_with("https://");
  const std::string_view host = host_of(endpoint);
  const auto odd = [](unsigned char c) {
    return c <= 0x20 || c >= 0x7f || c == '@' || c == '?' || c == '#' || c == '%';
  };
  return known && is_host_port(host) && std::none_of(host.begin(), host.end(), odd);
}

std::string clean_key_path(std::string_view path) {
  std::vector<std::string_view> parts;
  while (!path.empty()) {
    const std::string_view part = cut(path, '/');
    if (part.empty() || part == ".") continue;
    if (part != "..") {
      parts.push_back(part);
    } else if (!parts.empty()) {
      parts.pop_back();
    }
  }
  std::string out;
  for (const std::string_view part : parts) {
    if (!out.empty()) out += '/';
    out += part;
  }
  return out;
}

}  // namespace config
