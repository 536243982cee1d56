// The token of whoever has logged in with the command line of Azure, as the peer's libraries ask for it.
#include <ctime>
#include <iomanip>
#include <sstream>

#include "backend/azure/tokens.hpp"
#include "backend/json.hpp"
#include "base/text.hpp"
#include "io/run_command.hpp"

namespace replica::azure {

using base::concat;

namespace {

constexpr std::size_t kLimit = std::size_t{64} * 1024;
constexpr std::chrono::seconds kPatience{30};  // it is a Python program
constexpr std::string_view kWhat = "az account get-access-token";

std::string for_shell(std::string_view text) {
  std::string out = "'";
  for (const char c : text) out += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return out + "'";
}

// Prints nothing when there is no such program.
std::string command(const std::string& path) {
  return concat("export PATH=", for_shell(path), "; command -v az >/dev/null 2>&1 || exit 0; ",
                "exec az account get-access-token -o json --resource https://storage.azure.com/ 2>/dev/null");
}

// "2024-05-01 12:34:56.000000", local time: all that older versions give.
std::optional<Timestamp> local_time(const std::string& text) {
  std::tm parts{};
  std::istringstream in(text);
  if (!(in >> std::get_time(&parts, "%Y-%m-%d %H:%M:%S"))) return std::nullopt;
  parts.tm_isdst = -1;
  const std::time_t time = std::mktime(&parts);
  return time < 0 ? std::nullopt : std::optional<Timestamp>(std::chrono::seconds(time));
}

}  // namespace

Result<std::optional<Token>> from_cli(const TokenSurroundings& around, const Call& call) {
  const std::string path = around.variable("PATH");
  if (path.empty()) return std::nullopt;
  auto text = io::run_command(command(path), kLimit, backend::within(call, kPatience));
  if (auto going = call.check(kWhat); !going) return pass(going);
  if (!text) {
    Error error = std::move(text.error()).within(kWhat);
    error.code = Errc::permission_denied;
    error.hint = "log in with `az login` as the user that runs this, or set account-key or sas-token";
    return Failure(std::move(error));
  }
  if (text->empty()) return std::nullopt;
  const auto answer = backend::parse_object(*text);
  Token out{.text = answer ? backend::text_in(*answer, "accessToken") : std::string()};
  if (out.text.empty() || out.text.find_first_of("\r\n") != std::string::npos)
    return fail(Errc::unavailable, concat(kWhat, ": the answer holds no token"));
  const std::uint64_t seconds = backend::number_in(*answer, "expires_on");
  const auto local = local_time(backend::text_in(*answer, "expiresOn"));
  if (seconds == 0 && !local)
    return fail(Errc::unavailable, concat(kWhat, ": the answer does not say how long the token is good"));
  constexpr std::uint64_t kSane = std::uint64_t{1} << 33U;
  out.expires_at = seconds > 0 ? Timestamp(std::chrono::seconds(std::min(seconds, kSane))) : *local;
  return std::optional(std::move(out));
}

}  // namespace replica::azure
