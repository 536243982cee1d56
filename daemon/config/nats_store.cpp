#include "config/nats_store.hpp"

#include <algorithm>
#include <array>
#include <cctype>

#include "config/paths.hpp"
#include "config/store_schema.hpp"
#include "config/url.hpp"

namespace config {

using replica::Errc;
using replica::fail;
using replica::Result;

namespace {

constexpr std::uint16_t kPort = 4222;
constexpr std::string_view kStandardHost = "127.0.0.1";  // of a replica without an address, as for the peer
constexpr std::array<std::string_view, 6> kParameters{"creds",       "tls",        "root-cas",
                                                      "client-cert", "client-key", "create-bucket"};

replica::Failure refuse(std::string message, std::string hint = {}) {
  return fail(Errc::invalid_argument, std::move(message), std::move(hint));
}

Result<StoreSettings> parse_nats_url(const std::string& url) {
  auto parts = parse_url(url);
  if (!parts) return replica::pass(parts);
  StoreSettings out;
  if (parts->host.empty()) return refuse("host required for NATS replica");
  out.host = parts->host;
  out.bucket = clean_key_path(parts->path);
  if (!parts->password.empty()) {
    out.username = parts->user;
    out.password = parts->password;
  } else {
    out.token = parts->user;
  }
  for (const auto& [name, value] : parts->query)
    if (auto read = read_store_parameter(name, value, kParameters, out); !read) return replica::pass(read);
  return out;
}

// Each server as nats://HOST:PORT, or, `shown`, without what every address has.
Result<std::string> server_list(std::string_view hosts, bool shown) {
  std::string out;
  for (bool more = true; more;) {
    const std::size_t end = std::min(hosts.find(','), hosts.size());
    auto host = parse_host_port(hosts.substr(0, end));
    if (!host) return replica::pass(host, "NATS replica");
    if (!out.empty()) out += ',';
    out += (shown ? "" : "nats://") + address_text(*host, shown ? kPort : 0);
    if (!shown && !host->port) out += ":" + std::to_string(kPort);
    more = end < hosts.size();
    hosts.remove_prefix(more ? end + 1 : end);
  }
  return out;
}

Result<void> settle_files(StoreSettings& store) {
  const auto settle_file = [](std::string_view name, std::string& file) -> Result<void> {
    if (file.empty()) return {};
    auto path = absolute_path(file);
    if (!path) return replica::pass(path, name);
    file = std::move(*path);
    return {};
  };
  if (auto r = settle_file("creds", store.creds); !r) return r;
  if (auto r = settle_file("client-cert", store.client_cert); !r) return r;
  if (auto r = settle_file("client-key", store.client_key); !r) return r;
  for (std::string& file : store.root_cas)
    if (auto r = settle_file("root-cas", file); !r) return r;
  return {};
}

Result<void> check(const StoreSettings& store) {
  if (store.bucket.empty()) return refuse("bucket required for NATS replica");
  const auto fits = [](unsigned char c) { return c < 0x80 && (std::isalnum(c) != 0 || c == '-' || c == '_'); };
  if (!std::all_of(store.bucket.begin(), store.bucket.end(), fits))
    return refuse("the bucket of a NATS replica has letters, digits, '-' and '_' only",
                  "an address is nats://HOST/BUCKET, with nothing behind it");
  if (store.client_cert.empty() != store.client_key.empty())
    return refuse("client-cert and client-key must both be specified for mutual TLS authentication");
  for (auto [name, value] : {std::pair("jwt", &store.jwt), {"nkey", &store.nkey}})
    if (!value->empty() && store.seed.empty())
      return refuse(std::string(name) + " and seed must both be specified for NATS replica");
  if (!store.username.empty() && store.password.empty())
    return refuse("username and password must both be specified for NATS replica");
  if (store.timeout && *store.timeout <= Duration::zero())
    return refuse("timeout must be greater than 0 (got " + format_duration(*store.timeout) + ")");
  if (store.reconnect_wait && *store.reconnect_wait < Duration::zero())
    return refuse("reconnect-wait must not be negative (got " + format_duration(*store.reconnect_wait) + ")");
  return {};
}

}  // namespace

Result<void> settle_nats(ReplicaSettings& replica, const StoreSettings& defaults) {
  StoreSettings& store = replica.store.edit();
  if (!replica.path.empty()) return refuse("a NATS replica takes no path", "give every database a bucket of its own");
  if (!replica.url.empty()) {
    auto place = parse_nats_url(replica.url);
    if (!place) return replica::pass(place);
    if (!store.bucket.empty() && !place->bucket.empty()) return refuse("cannot specify url & bucket for NATS replica");
    if (!store.host.empty()) return refuse("cannot specify url & host for NATS replica");
    inherit(store, *place);
  }
  // A host at the top of the file is that of sftp.
  const std::string host = store.host.empty() ? std::string(kStandardHost) : store.host;
  inherit(store, defaults);
  store.host = host;
  if (auto checked = check(store); !checked) return checked;
  if (auto settled = settle_files(store); !settled) return settled;
  auto shown = server_list(store.host, true);
  if (!shown) return replica::pass(shown);
  store.host = *shown;  // the same for all ways to write it
  replica.location = "nats://" + *shown + "/" + store.bucket;
  return {};
}

replica::NatsBackendOptions nats_options(const ReplicaSettings& replica) {
  const StoreSettings& store = replica.store;
  replica::NatsBackendOptions out;
  out.url = server_list(store.host, false).value_or(std::string());
  out.bucket = store.bucket;
  out.create_bucket = store.create_bucket.value_or(false);
  out.jwt = store.jwt;
  out.seed = store.seed;
  out.credentials_path = store.creds;
  out.nkey = store.nkey;
  out.user = store.username;
  out.password = store.username.empty() ? std::string() : store.password;
  out.token = store.token;
  out.tls = store.tls.value_or(false);
  out.root_cas = store.root_cas;
  out.client_cert = store.client_cert;
  out.client_key = store.client_key;
  if (store.timeout) out.timeout = to_milliseconds(*store.timeout);
  if (store.max_reconnects) out.max_reconnects = *store.max_reconnects;
  if (store.reconnect_wait) out.reconnect_wait = to_milliseconds(*store.reconnect_wait);
  return out;
}

std::unique_ptr<replica::Backend> make_nats(const ReplicaSettings& replica, const std::string&) {
  return replica::make_nats_backend(nats_options(replica));
}

}  // namespace config
