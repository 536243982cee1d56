#include "config/control_schema.hpp"

#include <array>

#include "config/section.hpp"

namespace config {

using replica::Result;

namespace {

constexpr std::string_view kRoleDoc = "read, operate or admin";
constexpr std::string_view kDatabasesDoc = "globs over absolute paths, ** also across slashes (all)";

// As field(), for what T has from GrantSettings.
template <class T, auto Member>
constexpr auto granted(std::string_view name, std::string_view doc) {
  const auto base = field<Member>(name, doc);
  return Key<T>{name, [](const Spot& spot, const Node& node, T& out) { return assign(spot, node, out.*Member); },
                base.type, doc};
}

constexpr std::array kTokenKeys{
    field<&TokenSettings::name>("name", "what the logs call who has it"),
    field<&TokenSettings::file>("file", "a file with a token a line; each line is valid"),
    field<&TokenSettings::env>("env", "an environment variable with the token; instead of file"),
    granted<TokenSettings, &GrantSettings::role>("role", kRoleDoc),
    granted<TokenSettings, &GrantSettings::databases>("databases", kDatabasesDoc),
};
constexpr Table<TokenSettings> kToken{kTokenKeys};

constexpr std::array kClientKeys{
    field<&ClientSettings::name>("name", "common name or alternative name (DNS, URI, e-mail) of the certificate"),
    granted<ClientSettings, &GrantSettings::role>("role", kRoleDoc),
    granted<ClientSettings, &GrantSettings::databases>("databases", kDatabasesDoc),
};
constexpr Table<ClientSettings> kClient{kClientKeys};

constexpr std::array kAllowKeys{
    field<&AllowSettings::user>("user", "name or number"),
    field<&AllowSettings::user>("uid", "the same"),
    field<&AllowSettings::group>("group", "name or number; a supplementary group too"),
    field<&AllowSettings::group>("gid", "the same"),
    granted<AllowSettings, &GrantSettings::role>("role", "read, operate or admin (admin)"),
    granted<AllowSettings, &GrantSettings::databases>("databases", kDatabasesDoc),
};
constexpr Table<AllowSettings> kAllow{kAllowKeys};

// As an element of a list, which remembers its line.
template <class T, auto& table>
Result<void> read_entry(const Spot& spot, const Node& node, T& out) {
  out.line = node.line;
  return read_section(spot, node, table, out);
}

constexpr std::array kTlsKeys{
    field<&TlsSettings::cert>("cert", "PEM file with the certificate and its chain; addr then speaks HTTPS"),
    field<&TlsSettings::key>("key", "PEM file with its private key"),
    field<&TlsSettings::client_ca>("client-ca", "PEM file; clients may show certificates that it has signed"),
    Key<TlsSettings>{"clients",
                     [](const Spot& s, const Node& n, TlsSettings& out) {
                       return read_list(s, n, out.clients, read_entry<ClientSettings, kClient>);
                     },
                     "list", "who these clients are"},
};
constexpr Table<TlsSettings> kTls{kTlsKeys};

constexpr std::array kLimitKeys{
    field<&LimitSettings::max_connections>("max-connections", "of each listener (256)"),
    field<&LimitSettings::max_body>("max-body", "bytes of a request (1048576)"),
    field<&LimitSettings::max_depth>("max-depth", "levels of nested JSON (32)"),
    field<&LimitSettings::max_batch>("max-batch", "calls in a batch (100)"),
    field<&LimitSettings::request_timeout>("request-timeout", "for a request to arrive, its header included (10s)"),
    field<&LimitSettings::request_timeout>("header-timeout", "the same"),
    field<&LimitSettings::rate>("rate", "calls a second and caller; 0 = no limit (0)"),
};
constexpr Table<LimitSettings> kLimits{kLimitKeys};

using Control = ControlSettings;
constexpr std::array kControlKeys{
    field<&Control::insecure>("insecure", "serve /control/ on addresses of the network without credentials (false)"),
    Key<Control>{"tokens",
                 [](const Spot& s, const Node& n, Control& out) {
                   return read_list(s, n, out.tokens, read_entry<TokenSettings, kToken>);
                 },
                 "list", "bearer tokens; with one, addr asks for it"},
    Key<Control>{"tls",
                 [](const Spot& s, const Node& n, Control& out) {
                   return read_entry<TlsSettings, kTls>(Spot{s.path, s.line}, n, out.tls);
                 },
                 "section", "certificates for addr"},
    field<&Control::hosts>("hosts", "names under which addr is called, for the check of Host"),
    field<&Control::audit_log>("audit-log", "file for changes and refusals, a JSON object a line (off)"),
    Key<Control>{"limits",
                 [](const Spot& s, const Node& n, Control& out) { return read_section(s, n, kLimits, out.limits); },
                 "section", "what a client may ask for at most"},
};
constexpr Table<Control> kControl{kControlKeys};

}  // namespace

Result<void> read_control(const Spot& spot, const Node& node, ControlSettings& out) {
  out.line = spot.line;
  return read_section(spot, node, kControl, out);
}

Result<void> read_allow(const Spot& spot, const Node& node, AllowSettings& out) {
  return read_entry<AllowSettings, kAllow>(spot, node, out);
}

std::string describe_control() {
  std::string out;
  describe<AllowSettings>(out, "\nsocket.allow[]:", kAllowKeys);
  describe<Control>(out, "\ncontrol:", kControlKeys);
  describe<TokenSettings>(out, "\ncontrol.tokens[]:", kTokenKeys);
  describe<TlsSettings>(out, "\ncontrol.tls:", kTlsKeys);
  describe<ClientSettings>(out, "\ncontrol.tls.clients[]:", kClientKeys);
  describe<LimitSettings>(out, "\ncontrol.limits:", kLimitKeys);
  return out;
}

}  // namespace config
