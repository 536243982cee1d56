#include <algorithm>
#include <set>

#include "config/control_schema.hpp"
#include "config/paths.hpp"

namespace config {

using replica::Errc;
using replica::fail;
using replica::Result;

namespace {

class Checker {
 public:
  explicit Checker(Config& config) : config_(config), control_(config.control) {}

  Result<void> run() {
    if (auto r = tokens(); !r) return r;
    if (auto r = tls(); !r) return r;
    if (auto r = absolute(control_.line, "control.audit-log", control_.audit_log); !r) return r;
    if (auto r = limits(); !r) return r;
    return socket();
  }

 private:
  replica::Failure invalid(int line, std::string message) const {
    std::string hint;
    if (!config_.file.empty()) hint = "see " + config_.file + (line > 0 ? ":" + std::to_string(line) : "");
    return fail(Errc::invalid_argument, std::move(message), std::move(hint));
  }

  Result<void> absolute(int line, const std::string& key, std::string& path) const {
    if (path.empty()) return {};
    auto full = absolute_path(path);
    if (!full) return invalid(line, key + ": " + full.error().message);
    path = std::move(*full);
    return {};
  }

  Result<void> grant(int line, const std::string& key, const GrantSettings& grant) const {
    if (grant.role.empty()) return invalid(line, key + ".role: role required: read, operate or admin");
    if (grant.role != "read" && grant.role != "operate" && grant.role != "admin")
      return invalid(line, key + ".role: must be read, operate or admin (got \"" + grant.role + "\")");
    for (const std::string& glob : grant.databases)
      if (!glob.starts_with('/') && !glob.starts_with('*'))
        return invalid(line, key + ".databases: must be absolute paths (got \"" + glob + "\")");
    return {};
  }

  Result<void> tokens() {
    std::set<std::string_view> names;
    for (std::size_t i = 0; i < control_.tokens.size(); ++i) {
      TokenSettings& token = control_.tokens[i];
      const std::string key = "control.tokens[" + std::to_string(i) + "]";
      if (token.name.empty()) return invalid(token.line, key + ".name: name required");
      if (!names.insert(token.name).second)
        return invalid(token.line, key + ".name: there is another token \"" + token.name + "\"");
      if (token.file.empty() == token.env.empty())
        return invalid(token.line, key + ": must specify either 'file' or 'env'");
      if (auto r = absolute(token.line, key + ".file", token.file); !r) return r;
      if (auto r = grant(token.line, key, token); !r) return r;
    }
    if (control_.insecure && !control_.tokens.empty())
      return invalid(control_.line, "control.insecure: contradicts control.tokens");
    return {};
  }

  Result<void> tls() {
    TlsSettings& tls = control_.tls;
    if (tls.cert.empty() != tls.key.empty()) return invalid(tls.line, "control.tls: cert and key belong together");
    if (!tls.client_ca.empty() && tls.cert.empty())
      return invalid(tls.line, "control.tls.client-ca: needs cert and key of the server");
    if (!tls.client_ca.empty() && tls.clients.empty())
      return invalid(tls.line, "control.tls.clients: say who the clients of client-ca are");
    if (tls.client_ca.empty() && !tls.clients.empty()) return invalid(tls.line, "control.tls.clients: needs client-ca");
    if (!tls.cert.empty() && config_.addr.empty()) return invalid(tls.line, "control.tls: there is no addr to serve");
    for (std::string TlsSettings::* path : {&TlsSettings::cert, &TlsSettings::key, &TlsSettings::client_ca})
      if (auto r = absolute(tls.line, "control.tls", tls.*path); !r) return r;
    for (std::size_t i = 0; i < tls.clients.size(); ++i) {
      const ClientSettings& client = tls.clients[i];
      const std::string key = "control.tls.clients[" + std::to_string(i) + "]";
      if (client.name.empty()) return invalid(client.line, key + ".name: name required");
      if (auto r = grant(client.line, key, client); !r) return r;
    }
    return {};
  }

  Result<void> limits() const {
    const LimitSettings& l = control_.limits;
    const auto at_least_one = [&](const char* key, std::int64_t value) -> Result<void> {
      if (value >= 1) return {};
      return invalid(control_.line, std::string("control.limits.") + key + ": must be greater than 0");
    };
    if (auto r = at_least_one("max-connections", l.max_connections); !r) return r;
    if (auto r = at_least_one("max-body", l.max_body); !r) return r;
    if (auto r = at_least_one("max-depth", l.max_depth); !r) return r;
    if (auto r = at_least_one("max-batch", l.max_batch); !r) return r;
    if (auto r = at_least_one("request-timeout", l.request_timeout.count()); !r) return r;
    // The parser of JSON descends one call a level.
    if (l.max_depth > 1000) return invalid(control_.line, "control.limits.max-depth: must not exceed 1000");
    if (l.rate < 0) return invalid(control_.line, "control.limits.rate: must not be negative");
    return {};
  }

  Result<void> socket() {
    for (std::size_t i = 0; i < config_.socket.allow.size(); ++i) {
      AllowSettings& allow = config_.socket.allow[i];
      const std::string key = "socket.allow[" + std::to_string(i) + "]";
      if (allow.user.empty() && allow.group.empty()) return invalid(allow.line, key + ": must name a user or a group");
      if (allow.role.empty()) allow.role = "admin";
      if (auto r = grant(allow.line, key, allow); !r) return r;
    }
    return {};
  }

  Config& config_;
  ControlSettings& control_;
};

}  // namespace

Result<void> check_control(Config& config) { return Checker(config).run(); }

}  // namespace config
