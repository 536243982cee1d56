// Who may steer the daemon and how much: the section `control`, and what `socket` says of callers.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "config/duration.hpp"

namespace config {

// The line a setting stands on, which makes no difference to what it says.
struct Placed {
  int line = 0;
  friend bool operator==(const Placed&, const Placed&) { return true; }
};

// What somebody may do once known.
struct GrantSettings : Placed {
  std::string role;                    // read, operate or admin
  std::vector<std::string> databases;  // globs over absolute paths; empty = all
  friend bool operator==(const GrantSettings&, const GrantSettings&) = default;
};

struct TokenSettings : GrantSettings {
  std::string name, file, env;  // file or env; file is absolute after load()
  friend bool operator==(const TokenSettings&, const TokenSettings&) = default;
};

struct ClientSettings : GrantSettings {
  std::string name;  // common name or an alternative name of the certificate
  friend bool operator==(const ClientSettings&, const ClientSettings&) = default;
};

// A process of that user or group, by name or number.
struct AllowSettings : GrantSettings {
  std::string user, group;
  friend bool operator==(const AllowSettings&, const AllowSettings&) = default;
};

// PEM files, absolute after load(). Off without `cert`.
struct TlsSettings : Placed {
  std::string cert, key, client_ca;
  std::vector<ClientSettings> clients;
  friend bool operator==(const TlsSettings&, const TlsSettings&) = default;
};

struct LimitSettings {
  std::int64_t max_connections = 256;
  std::int64_t max_body = 1 << 20;
  std::int64_t max_depth = 32;
  std::int64_t max_batch = 100;
  Duration request_timeout = std::chrono::seconds(10);
  std::int64_t rate = 0;  // calls a second and caller; 0 = no limit
  friend bool operator==(const LimitSettings&, const LimitSettings&) = default;
};

struct ControlSettings : Placed {
  bool insecure = false;
  std::vector<TokenSettings> tokens;
  TlsSettings tls;
  std::vector<std::string> hosts;  // further names of `addr`
  std::string audit_log;           // absolute after load(); empty = none
  LimitSettings limits;
  friend bool operator==(const ControlSettings&, const ControlSettings&) = default;
};

}  // namespace config
