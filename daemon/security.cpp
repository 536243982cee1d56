#include "security.hpp"

#include <grp.h>
#include <pwd.h>

#include <charconv>

namespace litestreamd {

using replica::Errc;
using replica::fail;
using replica::Result;

namespace {

template <class Id>
std::optional<Id> number(const std::string& text) {
  Id value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

constexpr std::size_t kEntryBytes = 1 << 16;  // of one line of /etc/passwd or /etc/group

control::Role role(const config::GrantSettings& grant) {
  return *control::parse_role(grant.role);
}  // checked by load()

Result<void> add_peers(const config::SocketSettings& socket, std::vector<control::PeerRule>& out) {
  for (const config::AllowSettings& allow : socket.allow) {
    control::PeerRule rule{.uid = {}, .gid = {}, .role = role(allow), .databases = allow.databases};
    if (!allow.user.empty()) {
      auto uid = user_id(allow.user);
      if (!uid) return replica::pass(uid);
      rule.uid = *uid;
    }
    if (!allow.group.empty()) {
      auto gid = group_id(allow.group);
      if (!gid) return replica::pass(gid);
      rule.gid = *gid;
    }
    out.push_back(std::move(rule));
  }
  for (const std::string& user : socket.allow_uids) {
    auto uid = user_id(user);
    if (!uid) return replica::pass(uid);
    out.push_back({.uid = *uid});
  }
  for (const std::string& group : socket.allow_gids) {
    auto gid = group_id(group);
    if (!gid) return replica::pass(gid);
    out.push_back({.gid = *gid});
  }
  return {};
}

Result<control::AccessOptions> access_options(const config::Config& config, const config::Environment& environment) {
  control::AccessOptions out{.insecure = config.control.insecure,
                             .rate = static_cast<double>(config.control.limits.rate),
                             .environment = environment};
  if (auto r = add_peers(config.socket, out.peers); !r) return replica::pass(r);
  for (const config::TokenSettings& token : config.control.tokens)
    out.tokens.push_back({token.name, token.file, token.env, role(token), token.databases});
  for (const config::ClientSettings& client : config.control.tls.clients)
    out.certificates.push_back({client.name, role(client), client.databases});
  return out;
}

Result<void> set_owner(const config::SocketSettings& socket, control::ServerOptions& out) {
  if (socket.user.empty() && socket.group.empty()) return {};
  control::SocketOwner owner;
  if (!socket.user.empty()) {
    auto uid = user_id(socket.user);
    if (!uid) return replica::pass(uid);
    owner.uid = *uid;
  }
  if (!socket.group.empty()) {
    auto gid = group_id(socket.group);
    if (!gid) return replica::pass(gid);
    owner.gid = *gid;
  }
  out.socket_owner = owner;
  return {};
}

bool is_loopback(const std::string& addr) {
  const std::string host = addr.substr(0, addr.rfind(':'));
  return host == "localhost" || host == "[::1]" || host.starts_with("127.");
}

}  // namespace

Result<uid_t> user_id(const std::string& user) {
  if (const auto id = number<uid_t>(user)) return *id;
  passwd entry{};
  passwd* found = nullptr;
  std::vector<char> buffer(kEntryBytes);
  ::getpwnam_r(user.c_str(), &entry, buffer.data(), buffer.size(), &found);
  if (found == nullptr) return fail(Errc::invalid_argument, "socket: unknown user " + user);
  return found->pw_uid;
}

Result<gid_t> group_id(const std::string& group) {
  if (const auto id = number<gid_t>(group)) return *id;
  ::group entry{};
  ::group* found = nullptr;
  std::vector<char> buffer(kEntryBytes);
  ::getgrnam_r(group.c_str(), &entry, buffer.data(), buffer.size(), &found);
  if (found == nullptr) return fail(Errc::invalid_argument, "socket: unknown group " + group);
  return found->gr_gid;
}

Result<void> apply_security(const config::Config& config, const config::Environment& environment,
                            control::ServerOptions& out) {
  auto options = access_options(config, environment);
  if (!options) return replica::pass(options);
  auto access = control::Access::open(std::move(*options));
  if (!access) return fail(Errc::invalid_argument, access.error().message, access.error().hint);
  out.access = std::move(*access);
  if (auto r = set_owner(config.socket, out); !r) return r;
  const config::LimitSettings& limits = config.control.limits;
  out.limits = {.max_connections = static_cast<std::size_t>(limits.max_connections),
                .max_body = static_cast<std::size_t>(limits.max_body),
                .max_depth = static_cast<std::size_t>(limits.max_depth),
                .max_batch = static_cast<std::size_t>(limits.max_batch),
                .request_timeout = std::chrono::duration_cast<std::chrono::milliseconds>(limits.request_timeout)};
  const config::TlsSettings& tls = config.control.tls;
  if (!tls.cert.empty())
    out.tls = control::TlsOptions{.cert_file = tls.cert, .key_file = tls.key, .client_ca_file = tls.client_ca};
  out.host_names = config.control.hosts;
  return {};
}

std::vector<std::string> security_warnings(const config::Config& config, const control::Access& access) {
  std::vector<std::string> out = access.warnings();
  if (config.addr.empty() || is_loopback(config.addr)) return out;
  if (!access.asks_for_credentials()) {
    out.emplace_back(config.control.insecure
                         ? "control calls on addr need no password and are open to other hosts"
                         : "control calls on addr are refused: it is open to other hosts and control has neither "
                           "tokens nor client certificates");
  } else if (config.control.tls.cert.empty()) {
    out.emplace_back("tokens on addr travel unencrypted: control.tls has no certificate");
  }
  return out;
}

}  // namespace litestreamd
