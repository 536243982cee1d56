#include "connect.hpp"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <fstream>

namespace litestreamctl {

using std::chrono::milliseconds;

namespace {

constexpr milliseconds kConnectTimeout{5'000};

constexpr std::array kConnectionFlags{
    cli::Flag{"socket", "PATH", "Control socket path, or http://HOST:PORT (required, or -addr)"},
    cli::Flag{"addr", "URL", "http://HOST:PORT or https://HOST:PORT, instead of -socket"},
    cli::Flag{"token-file", "PATH", "File whose first line is the token to show (LITESTREAM_TOKEN)"},
    cli::Flag{"ca", "PATH", "CA that signed the daemon's certificate (the system's CAs)"},
    cli::Flag{"cert", "PATH", "Certificate to show to the daemon, with -key"},
    cli::Flag{"key", "PATH", "Private key of -cert"},
};

bool is_url(std::string_view target) { return target.starts_with("http://") || target.starts_with("https://"); }

tl::expected<std::string, Problem> token_of(const cli::Arguments& args) {
  const std::string path = args.value("token-file");
  if (path.empty()) {
    const char* token = std::getenv("LITESTREAM_TOKEN");  // NOLINT(concurrency-mt-unsafe): one thread
    return token != nullptr ? token : "";
  }
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    line.erase(line.find_last_not_of(" \t\r") + 1);
    if (!line.empty() && !line.starts_with('#')) return line;
  }
  return tl::unexpected(Problem{"cannot read a token from " + path});
}

tl::expected<std::string, Problem> target_of(const cli::Arguments& args) {
  const std::string addr = args.value("addr");
  const std::string socket = args.value("socket");
  if (addr.empty() && socket.empty()) return misuse("socket path required; use -socket flag");
  if (!addr.empty() && !socket.empty()) return misuse("cannot specify both -socket and -addr");
  if (!addr.empty() && !is_url(addr)) return misuse("-addr must be http://HOST:PORT or https://HOST:PORT");
  return addr.empty() ? socket : addr;
}

}  // namespace

std::vector<cli::Flag> with_connection_flags(std::vector<cli::Flag> own) {
  own.insert(own.end(), kConnectionFlags.begin(), kConnectionFlags.end());
  return own;
}

tl::expected<control::Client, Problem> connect(const cli::Arguments& args, milliseconds timeout) {
  const auto target = target_of(args);
  if (!target) return tl::unexpected(target.error());
  control::ClientOptions options{.connect_timeout = std::min(timeout, kConnectTimeout),
                                 .ca_file = args.value("ca"),
                                 .cert_file = args.value("cert"),
                                 .key_file = args.value("key")};
  if (options.cert_file.empty() != options.key_file.empty()) return misuse("-cert and -key belong together");
  if (is_url(*target)) {
    auto token = token_of(args);
    if (!token) return tl::unexpected(token.error());
    options.token = std::move(*token);
  }
  auto client = control::Client::connect(*target, options);
  if (!client) return problem(client.error());
  return std::move(*client);
}

}  // namespace litestreamctl
