#include "config/sftp_store.hpp"

#include <array>

#include "config/paths.hpp"
#include "config/store_schema.hpp"
#include "config/url.hpp"

namespace config {

using replica::Errc;
using replica::fail;
using replica::Result;

namespace {

constexpr std::uint16_t kPort = 22;
constexpr std::array<std::string_view, 5> kParameters{"key-path", "host-key", "known-hosts-path", "accept-any-host-key",
                                                      "concurrent-writes"};

replica::Failure refuse(std::string message, std::string hint = {}) {
  return fail(Errc::invalid_argument, std::move(message), std::move(hint));
}

struct SftpPlace {
  StoreSettings store;
  std::string path;
};

Result<SftpPlace> parse_sftp_url(const std::string& url) {
  auto parts = parse_url(url);
  if (!parts) return replica::pass(parts);
  SftpPlace out;
  out.store.host = parts->host;
  out.store.user = parts->user;
  out.store.password = parts->password;
  for (const auto& [name, value] : parts->query)
    if (auto read = read_store_parameter(name, value, kParameters, out.store); !read) return replica::pass(read);
  out.path = parts->path;
  if (out.path == "/~" || out.path.starts_with("/~/")) out.path.erase(0, std::min<std::size_t>(3, out.path.size()));
  return out;
}

// Absolute, or relative to the login directory, whose parents we do not know.
Result<std::string> clean_directory(const std::string& path) {
  if (path.starts_with('/')) return "/" + clean_key_path(path);
  if (("/" + path + "/").find("/../") != std::string::npos)
    return refuse("the path of an sftp replica must not leave the login directory by '..'",
                  "write the whole path, from / on");
  return clean_key_path(path);
}

Result<void> settle_keys(StoreSettings& store) {
  for (auto [name, file] : {std::pair("key-path", &store.key_path), {"known-hosts-path", &store.known_hosts_path}}) {
    if (file->empty()) continue;
    auto path = absolute_path(*file);
    if (!path) return replica::pass(path, name);
    *file = std::move(*path);
  }
  const std::string& key = store.host_key;
  if (!key.empty() && !key.starts_with("SHA256:") && key.find(' ') == std::string::npos)
    return refuse("host-key must be a public key (ssh-ed25519 AAAA…) or a fingerprint (SHA256:…)",
                  "ssh-keyscan HOST prints it, from the type on");
  if (store.accept_any_host_key.value_or(false) && !(key.empty() && store.known_hosts_path.empty()))
    return refuse("cannot specify accept-any-host-key & host-key or known-hosts-path for sftp replica");
  return {};
}

std::string directory_of(const ReplicaSettings& replica) {
  return replica.key_prefix.substr(0, replica.key_prefix.size() - 1);
}

std::string location_of(const ReplicaSettings& replica, const HostPort& host) {
  constexpr std::string_view kOpen = "-._~/!$'()*,;:@=";
  const std::string directory = directory_of(replica);
  std::string out = "sftp://" + encode_url_text(replica.store->user) + "@" + address_text(host, kPort);
  // A directory that is really called "~" must not read as the login directory.
  if (directory == "/~" || directory.starts_with("/~/")) out += "/.";
  if (directory.starts_with('/')) return out + encode_url_text(directory, kOpen);
  return out + "/~" + (directory.empty() ? "" : "/") + encode_url_text(directory, kOpen);
}

}  // namespace

Result<void> settle_sftp(ReplicaSettings& replica, const StoreSettings& defaults) {
  StoreSettings& store = replica.store.edit();
  std::string path = replica.path;
  if (!replica.url.empty()) {
    if (!replica.path.empty()) return refuse("cannot specify url & path for sftp replica");
    if (!store.host.empty()) return refuse("cannot specify url & host for sftp replica");
    auto place = parse_sftp_url(replica.url);
    if (!place) return replica::pass(place);
    if (place->store.host.empty()) return refuse("host required for sftp replica");
    inherit(store, place->store);
    path = std::move(place->path);
  }
  inherit(store, defaults);
  if (store.host.empty()) return refuse("host required for sftp replica");
  if (store.user.empty()) return refuse("user required for sftp replica");
  auto host = parse_host_port(store.host);
  if (!host) return replica::pass(host, "sftp replica");
  auto directory = clean_directory(path);
  if (!directory) return replica::pass(directory);
  if (auto checked = settle_keys(store); !checked) return checked;
  replica.key_prefix = std::move(*directory) + "/";
  replica.location = location_of(replica, *host);
  return {};
}

replica::SftpBackendOptions sftp_options(const ReplicaSettings& replica) {
  const StoreSettings& store = replica.store;
  const auto host = parse_host_port(store.host).value_or(HostPort{.host = store.host});
  replica::SftpBackendOptions out;
  out.host = host.host;
  out.port = host.port.value_or(kPort);
  out.user = store.user;
  out.password = store.password;
  out.key_path = store.key_path;
  out.key_passphrase = store.key_passphrase;
  out.host_key = store.host_key;
  out.known_hosts = store.known_hosts_path;
  out.accept_any_host_key = store.accept_any_host_key.value_or(false);
  out.concurrent_writes = store.concurrent_writes.value_or(true);
  out.root = directory_of(replica);
  return out;
}

std::unique_ptr<replica::Backend> make_sftp(const ReplicaSettings& replica, const std::string&) {
  return replica::make_sftp_backend(sftp_options(replica));
}

}  // namespace config
