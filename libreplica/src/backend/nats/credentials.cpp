#include "backend/nats/credentials.hpp"

#include "backend/surroundings.hpp"
#include "base/text.hpp"

namespace replica::backend::nats {
namespace {

// The line behind the first line that holds `title`; empty when there is none, or it is empty.
std::string line_after(std::string_view text, std::string_view title) {
  const std::size_t at = text.find(title);
  if (at == std::string_view::npos) return {};
  const std::size_t end = text.find('\n', at);
  if (end == std::string_view::npos) return {};
  const std::size_t begin = text.find_first_not_of(" \t\r\n", end);
  if (begin == std::string_view::npos) return {};
  const std::string line = trimmed(text.substr(begin, text.find('\n', begin) - begin));
  return line.starts_with('-') ? std::string() : line;
}

}  // namespace

Result<Credentials> parse_credentials(std::string_view text) {
  Credentials out{.jwt = line_after(text, "BEGIN NATS USER JWT"), .seed = line_after(text, "BEGIN USER NKEY SEED")};
  if (!out.jwt.empty() && !out.seed.empty()) return out;
  return fail(Errc::permission_denied, base::concat("no ", out.jwt.empty() ? "user JWT" : "nkey seed", " in it"));
}

Result<Credentials> read_credentials(const std::string& path) {
  const std::string what = base::concat("credentials file ", path);
  auto text = read_small_file(path);
  if (!text) return pass(text, what);
  if (text->empty()) return fail(Errc::permission_denied, base::concat(what, " is not there or empty"));
  auto parsed = parse_credentials(*text);
  if (!parsed) return pass(parsed, what);
  return parsed;
}

}  // namespace replica::backend::nats
