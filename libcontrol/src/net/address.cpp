#include "net/address.hpp"

#include <cctype>
#include <system_error>

namespace control {

std::string errno_text(int error) {
  std::string text = std::generic_category().message(error);
  if (!text.empty()) text[0] = static_cast<char>(std::tolower(static_cast<unsigned char>(text[0])));
  return text;
}

Result<std::pair<std::string, std::string>> split_address(const std::string& address) {
  const std::size_t colon = address.rfind(':');
  std::string host = address.substr(0, colon == std::string::npos ? 0 : colon);
  const std::string port = colon == std::string::npos ? "" : address.substr(colon + 1);
  const bool bracketed = host.size() >= 2 && host.front() == '[' && host.back() == ']';
  if (bracketed) host = host.substr(1, host.size() - 2);
  const bool is_number = !port.empty() && port.size() <= 5 && port.find_first_not_of("0123456789") == std::string::npos;
  if (!is_number || std::stoi(port) > 65535 || (!bracketed && host.find(':') != std::string::npos)) {
    return fail({.message = "invalid address: " + address,
                 .reason = "invalid_address",
                 .hint = "write host:port, [ipv6]:port or :port"});
  }
  return std::pair(std::move(host), port);
}

}  // namespace control
