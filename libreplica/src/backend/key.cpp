#include "base/text.hpp"
#include "replica/backend.hpp"

namespace replica {
namespace {

constexpr std::size_t kLongestKey = 1024;
constexpr std::size_t kLongestPart = 255;  // what file systems take

bool is_control(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return byte < 0x20 || byte == 0x7f;
}

// What is wrong with a whole part; empty when nothing is.
std::string_view fault_of_part(std::string_view part) {
  if (part.empty()) return "has an empty part";
  if (part.size() > kLongestPart) return "has a part longer than 255 bytes";
  if (part == "." || part == "..") return "has a part '.' or '..'";
  return {};
}

std::string_view fault_of_text(std::string_view text) {
  if (text.size() > kLongestKey) return "is longer than 1024 bytes";
  for (const char c : text) {
    if (is_control(c)) return "has a control character";
  }
  return {};
}

// Everything up to the last '/', which `text` has or which is empty.
std::string_view fault_of_folders(std::string_view folders) {
  while (!folders.empty()) {
    const std::size_t slash = folders.find('/');
    if (const auto fault = fault_of_part(folders.substr(0, slash)); !fault.empty()) return fault;
    folders.remove_prefix(slash + 1);
  }
  return {};
}

std::string_view fault_of_key(std::string_view key) {
  if (const auto fault = fault_of_text(key); !fault.empty()) return fault;
  const std::size_t start = key.rfind('/') + 1;  // npos + 1 is 0
  if (const auto fault = fault_of_folders(key.substr(0, start)); !fault.empty()) return fault;
  const std::string_view last = key.substr(start);
  if (last.ends_with(".tmp")) return "ends in .tmp, which marks unfinished objects";
  return fault_of_part(last);
}

std::string_view fault_of_prefix(std::string_view prefix) {
  if (const auto fault = fault_of_text(prefix); !fault.empty()) return fault;
  const std::size_t start = prefix.rfind('/') + 1;
  if (prefix.size() - start > kLongestPart) return "has a part longer than 255 bytes";
  return fault_of_folders(prefix.substr(0, start));
}

// Printed without what could confuse a terminal or a log.
std::string shown(std::string_view text) {
  std::string out(text.substr(0, kLongestPart));
  for (char& c : out) {
    if (is_control(c)) c = '?';
  }
  return out;
}

}  // namespace

Result<void> check_key(std::string_view key) {
  const std::string_view fault = fault_of_key(key);
  if (fault.empty()) return {};
  return fail(Errc::invalid_argument, base::concat("key '", shown(key), "' ", fault));
}

Result<void> check_prefix(std::string_view prefix) {
  const std::string_view fault = fault_of_prefix(prefix);
  if (fault.empty()) return {};
  return fail(Errc::invalid_argument, base::concat("prefix '", shown(prefix), "' ", fault));
}

}  // namespace replica
