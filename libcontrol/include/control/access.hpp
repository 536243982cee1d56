// Who calls, how that is known, and what that one may do. A caller is told by the credentials of the process behind a
// Unix socket, by a bearer token or by a TLS client certificate.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "control/error.hpp"

namespace control {

struct Method;
enum class Transport { unix_socket, tcp };

// What a caller may do; each includes those before it.
enum class Role { read, operate, admin };

std::string_view role_name(Role role);
std::optional<Role> parse_role(std::string_view word);

struct Principal {
  std::string name;  // "uid 1000", "token deploy", "certificate ops", "anonymous"; never a secret
  Role role = Role::admin;
  std::vector<std::string> databases{};  // globs over absolute paths; empty = all
  std::optional<pid_t> pid{};            // of the process behind a Unix socket

  bool sees_all() const { return databases.empty(); }
  // A path that is not in its normal form ("/a/../b.db", "b.db") belongs to nobody whose databases are limited.
  bool may_use(std::string_view database) const;
};
using PrincipalPtr = std::shared_ptr<const Principal>;

// `*` and `?` stop at a slash, `**` does not.
bool glob_matches(std::string_view glob, std::string_view path);

// Why `principal` may not call `method` on `path` (none: the call names no database); no value when it may. The error
// has the reason "forbidden". All that serves callers asks here.
std::optional<Error> authorise(const Principal& principal, const Method& method, std::optional<std::string_view> path);

// The process at the other end of a Unix socket, as the kernel says.
struct PeerProcess {
  uid_t uid = 0;
  std::vector<gid_t> gids{};  // its own first, then the supplementary ones
  pid_t pid = 0;
};

// A rule holds when what it names is equal; one that names neither holds for all.
struct PeerRule {
  std::optional<uid_t> uid{};
  std::optional<gid_t> gid{};
  Role role = Role::admin;
  std::vector<std::string> databases{};
};

// Either file or env. A file has a token a line, so that two are valid while they are exchanged; '#' begins a comment.
struct TokenRule {
  std::string name;
  std::string file{};
  std::string env{};
  Role role = Role::read;
  std::vector<std::string> databases{};
};

// For client certificates that the server's client CA has signed and that have `name` as common name or as one of the
// subject's alternative names (DNS, URI or e-mail).
struct CertificateRule {
  std::string name;
  Role role = Role::read;
  std::vector<std::string> databases{};
};

struct AccessOptions {
  std::vector<PeerRule> peers{};  // the first that holds counts; empty = the mode of the socket file decides, as admin
  std::vector<TokenRule> tokens{};
  std::vector<CertificateRule> certificates{};
  bool insecure = false;  // without tokens and certificates, callers on TCP need none, whatever the address
  double rate = 0;        // calls a second and principal, with bursts of one second's worth; 0 = no limit
  std::function<std::optional<std::string>(std::string_view)> environment{};  // empty = the process's
};

// Safe from several threads.
class Access {
 public:
  // Errors: "cannot read token file PATH: …", "environment variable NAME is not set", reason "invalid_token".
  static Result<std::shared_ptr<Access>> open(AccessOptions options);
  ~Access();

  // Reads the tokens anew. After an error the old ones stay valid.
  Result<void> reload();
  // Things somebody should look at, such as token files that others may read. Of the last reading.
  std::vector<std::string> warnings() const;

  // Root and the user of this process are always admin.
  Result<PrincipalPtr> peer(const PeerProcess& process) const;

  struct Credentials {
    std::optional<std::string_view> authorization{};  // value of the HTTP header
    std::vector<std::string> certificate_names{};     // of a verified client certificate; empty = none
    bool loopback = false;                            // the listener's address
  };
  // Reasons: "unauthenticated" when credentials are missing or wrong, "forbidden" when there is nothing to show here.
  Result<PrincipalPtr> remote(const Credentials& credentials) const;

  // Takes `calls` from what the principal may still do; else how long it has to wait, and nothing is taken.
  std::optional<std::chrono::milliseconds> spend(const Principal& principal, std::size_t calls,
                                                 std::chrono::steady_clock::time_point now);

  // Somebody on TCP can be told from others.
  bool asks_for_credentials() const;

 private:
  struct Impl;
  explicit Access(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

// Reasons "unauthenticated", "forbidden" and "rate_limited".
Error unauthenticated(std::string hint);
Error forbidden(std::string_view what, std::string hint);
Error rate_limited(std::chrono::milliseconds retry_after);

}  // namespace control
