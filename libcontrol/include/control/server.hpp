// The control server: a Unix socket (bare JSON-RPC and HTTP/1.1, told apart by the first byte) and a TCP address (HTTP
// only). No globals, no signal handlers; no thread is left after stop() or the destructor.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "control/api.hpp"
#include "control/http.hpp"
#include "control/limits.hpp"
#include "control/observer.hpp"

namespace control {

// What GET asks for: /healthz (also /health) whether something is wrong, /readyz whether replication has got going too;
// both with ?max_lag=SECONDS.
struct HealthQuery {
  bool ready = false;
  std::optional<double> max_lag_seconds{};
};

struct Health {
  bool ok = true;  // 200, or 503
  std::string text = "ok\n";
};

// PEM files. With a client CA, clients may show a certificate that it has signed; one that it has not is refused.
struct TlsOptions {
  std::string cert_file;  // with the chain
  std::string key_file;
  std::string client_ca_file{};
};

// Of the socket file; what is absent stays as the process makes it.
struct SocketOwner {
  std::optional<uid_t> uid{};
  std::optional<gid_t> gid{};
};

struct ServerOptions {
  using ms = std::chrono::milliseconds;
  std::string socket_path{};                           // empty = no Unix socket
  unsigned socket_permissions = 0600;                  // hold from the first moment
  std::string http_addr{};                             // "localhost:9090", ":9090", "127.0.0.1:0"; empty = no TCP
  bool control_on_tcp = true;                          // false: /control is not served on http_addr
  std::function<std::string()> metrics{};              // GET /metrics, in the Prometheus text format; empty = 404
  std::function<Health(const HealthQuery&)> health{};  // GET /healthz, /readyz; empty = 404, also for /livez
  HttpHandler http{};                                  // everything but /control, /metrics and those
  std::size_t workers = 32;       // threads for calls that may wait; at most, they start when needed
  std::size_t query_workers = 2;  // for calls that are answered at once, so that waiting ones never hold them up
  std::size_t waiters = 128;      // calls that do nothing but wait, each on a thread of its own
  std::size_t watchers = 64;      // connections that follow events
  ms heartbeat{15'000};           // of server-sent events, when there are none
  ms idle_timeout{300'000};       // between requests
  ms write_timeout{30'000};       // for a client that does not take its reply
  ms stop_timeout{5'000};         // how long stop() waits for replies to be taken
  Limits limits{};
  std::shared_ptr<Access> access{};  // who may call; empty = as an Access without any rules
  std::optional<SocketOwner> socket_owner{};
  std::optional<TlsOptions> tls{};        // http_addr speaks HTTPS
  std::vector<std::string> host_names{};  // further names under which http_addr is called, for the check of Host
  CallObserver observer{};
};

class Server {
 public:
  // Listening when it returns. `service` and what the handlers refer to must outlive the Server. Errors carry the
  // reason "address_in_use" when another daemon listens there, "invalid_address" for what can not be listened on.
  static Result<Server> start(Service& service, ServerOptions options);

  Server(Server&&) noexcept;
  Server& operator=(Server&&) noexcept;
  ~Server();  // stop()

  // Takes no new calls, sets the stop token of the running ones, waits for them, sends their replies, and removes the
  // socket file if it is still ours. Not to be called from a handler or the Service. May be called again.
  void stop();

  // Reads tokens and certificates anew; what can not be read stays as it was. New connections use the new certificate.
  Result<void> reload();

  std::string socket_path() const;  // empty without that listener
  std::string http_addr() const;    // as configured, with the port that was really bound

 private:
  struct Impl;
  explicit Server(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace control
