#include "control/server.hpp"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <boost/asio/basic_socket_acceptor.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <list>
#include <mutex>
#include <optional>
#include <set>
#include <system_error>

#include "net/origin.hpp"
#include "net/peer_process.hpp"
#include "server/connection.hpp"
#include "server/listener.hpp"
#include "server/room.hpp"
#include "server/tls.hpp"

namespace control {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;
using Protocol = asio::generic::stream_protocol;
using Acceptor = asio::basic_socket_acceptor<Protocol>;

constexpr std::size_t kLargeRequest = 1 << 16;          // smaller ones are left alone when memory is short
constexpr std::chrono::milliseconds kAcceptPause{100};  // after an error such as "too many open files"

struct Listeners {
  TlsContext tls;
  std::optional<UnixListener> unix_socket;
  std::optional<TcpListener> tcp;
};

Result<Listeners> open_listeners(const ServerOptions& options) {
  Listeners listeners;
  if (options.socket_path.empty() && options.http_addr.empty()) {
    return fail({.message = "nothing to listen on",
                 .reason = "invalid_address",
                 .hint = "configure a socket path or an http address"});
  }
  if (options.tls) {
    Result<TlsContext> tls = make_tls_context(*options.tls);
    if (!tls) return fail(std::move(tls.error()));
    listeners.tls = std::move(*tls);
  }
  // TCP first: nothing has to be tidied up when the second one fails.
  if (!options.http_addr.empty()) {
    Result<TcpListener> tcp = listen_tcp(options.http_addr);
    if (!tcp) return fail(std::move(tcp.error()));
    listeners.tcp = std::move(*tcp);
  }
  if (!options.socket_path.empty()) {
    Result<UnixListener> unix_socket =
        listen_unix(options.socket_path, options.socket_permissions, options.socket_owner.value_or(SocketOwner{}));
    if (!unix_socket) return fail(std::move(unix_socket.error()));
    listeners.unix_socket = std::move(*unix_socket);
  }
  return listeners;
}

RouterOptions router_options(const ServerOptions& options, const Listeners& listeners, InvokeMethod invoke) {
  return {.control_on_tcp = options.control_on_tcp,
          .bind_host = listeners.tcp ? listeners.tcp->bind_host : std::string(),
          .bound_to_loopback = listeners.tcp && listeners.tcp->loopback,
          .host_names = options.host_names,
          .metrics = options.metrics,
          .health = options.health,
          .http = options.http,
          .invoke = std::move(invoke)};
}

// One listening socket with the connections that came in on it.
struct Port {
  Port(asio::io_context& io, Transport kind, int family, UniqueFd& fd)
      : transport(kind), acceptor(io, Protocol(family, 0), fd.get()), pause(io) {
    fd.release();  // the acceptor's now
  }

  Transport transport;
  Acceptor acceptor;
  asio::steady_timer pause;
  std::set<std::shared_ptr<Connection>> connections{};
};

}  // namespace

struct Server::Impl {
  Impl(Service& service, ServerOptions given, Listeners opened);
  ~Impl() { stop(); }

  void stop();
  Result<void> reload();

  // For the REST routes; used when the Dispatcher is there.
  InvokeMethod invoker() {
    return [this](std::string_view method, const boost::json::object& params, const Arrival& arrival) {
      return dispatcher.call({.method = std::string(method), .params = params}, arrival);
    };
  }

  // The rest runs on the io thread.
  void accept_next(Port& port);
  void admit(Port& port, Connection::Socket socket);
  StreamSocket stream(const Port& port, Connection::Socket socket);
  Peer peer(const Port& port, int fd) const;
  void make_room(Port& port);
  void drop_largest_request();
  void begin_stop();
  void each_connection(void (Connection::*act)());
  void end_if_empty();

  ServerOptions options;
  Listeners listeners;  // their descriptors live in `ports`
  Router router;
  Dispatcher dispatcher;
  std::stop_source stop_source;
  asio::io_context io{1};
  asio::executor_work_guard<asio::io_context::executor_type> work{io.get_executor()};
  asio::steady_timer stop_timer{io};
  Lane workers;
  Lane query_workers;
  Lane parking;
  ConnectionContext context;
  std::list<Port> ports;
  bool stopping = false;
  std::mutex tls_mutex;  // guards listeners.tls
  std::thread io_thread;
};

Server::Impl::Impl(Service& service, ServerOptions given, Listeners opened)
    : options(std::move(given)),
      listeners(std::move(opened)),
      router(router_options(options, listeners, invoker())),
      dispatcher(service, options.observer),
      workers("control-wait", std::max<std::size_t>(options.workers, 1)),
      query_workers("control-query", std::max<std::size_t>(options.query_workers, 1)),
      parking("control-park", std::max<std::size_t>(options.waiters, 1)),
      context{options,
              dispatcher,
              router,
              workers,
              query_workers,
              parking,
              stop_source.get_token(),
              *options.access,
              listeners.tcp && listeners.tcp->loopback} {
  if (listeners.unix_socket) ports.emplace_back(io, Transport::unix_socket, AF_UNIX, listeners.unix_socket->fd);
  if (listeners.tcp) ports.emplace_back(io, Transport::tcp, listeners.tcp->family, listeners.tcp->fd);
  context.make_room = [this] { drop_largest_request(); };
  for (Port& port : ports) accept_next(port);
  io_thread = start_thread("control-io", [this] { io.run(); });
}

void Server::Impl::accept_next(Port& port) {
  port.acceptor.async_accept([this, &port](error_code ec, Connection::Socket socket) {
    if (stopping || ec == asio::error::operation_aborted) return;
    if (!ec) {
      admit(port, std::move(socket));
      return accept_next(port);
    }
    port.pause.expires_after(kAcceptPause);
    port.pause.async_wait([this, &port](error_code cancelled) {
      if (!cancelled && !stopping) accept_next(port);
    });
  });
}

void Server::Impl::admit(Port& port, Connection::Socket socket) {
  if (port.connections.size() >= options.limits.max_connections) make_room(port);
  if (port.connections.size() >= options.limits.max_connections) return;  // all are at work: hang up
  ::fcntl(socket.native_handle(), F_SETFD, FD_CLOEXEC);                   // Asio's accept leaves it to children
  if (port.transport == Transport::tcp) {
    const int on = 1;
    ::setsockopt(socket.native_handle(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  }
  std::string origin = origin_of(socket.native_handle());
  Peer who = peer(port, socket.native_handle());
  const auto connection = std::make_shared<Connection>(stream(port, std::move(socket)), port.transport, std::move(who),
                                                       std::move(origin), context);
  port.connections.insert(connection);
  connection->start([this, &port, key = std::weak_ptr(connection)] {
    port.connections.erase(key.lock());
    end_if_empty();
  });
}

StreamSocket Server::Impl::stream(const Port& port, Connection::Socket socket) {
  if (port.transport != Transport::tcp || !options.tls) return StreamSocket(std::move(socket));
  const std::lock_guard lock(tls_mutex);
  return StreamSocket(std::move(socket), listeners.tls);
}

Peer Server::Impl::peer(const Port& port, int fd) const {
  if (port.transport != Transport::unix_socket) return PrincipalPtr();
  const std::optional<PeerProcess> process = peer_process(fd);
  if (!process) return fail(forbidden("unknown process", "the system does not say who is calling"));
  return options.access->peer(*process);
}

Result<void> Server::Impl::reload() {
  Result<void> tokens = options.access->reload();
  if (options.tls) {
    Result<TlsContext> fresh = make_tls_context(*options.tls);
    if (!fresh) return fail(std::move(fresh.error()));
    const std::lock_guard lock(tls_mutex);
    listeners.tls = std::move(*fresh);
  }
  return tokens;
}

void Server::Impl::make_room(Port& port) {
  using State = Connection::State;
  const std::vector<std::shared_ptr<Connection>> all(port.connections.begin(), port.connections.end());
  std::vector<Guest> guests;
  guests.reserve(all.size());
  for (const auto& connection : all) {
    const State state = connection->state();
    guests.push_back({connection->origin(), state == State::working, state == State::arriving, connection->since()});
  }
  if (const std::optional<std::size_t> least = least_entitled(guests, Connection::Clock::now())) all[*least]->close();
}

void Server::Impl::drop_largest_request() {
  std::shared_ptr<Connection> largest;
  for (const Port& port : ports) {
    for (const auto& connection : port.connections) {
      if (connection->state() != Connection::State::arriving || connection->held() < kLargeRequest) continue;
      if (!largest || connection->held() > largest->held()) largest = connection;
    }
  }
  if (largest) largest->close();
}

void Server::Impl::each_connection(void (Connection::*act)()) {
  for (Port& port : ports) {
    const std::vector<std::shared_ptr<Connection>> all(port.connections.begin(), port.connections.end());
    for (const auto& connection : all) ((*connection).*act)();
  }
}

void Server::Impl::begin_stop() {
  stopping = true;
  // While our socket is open its inode can not become that of another daemon's file.
  if (listeners.unix_socket) remove_socket_file(*listeners.unix_socket);
  for (Port& port : ports) {
    error_code ignored;
    port.acceptor.close(ignored);
    port.pause.cancel();
  }
  stop_timer.expires_after(options.stop_timeout);
  stop_timer.async_wait([this](error_code ec) {
    if (!ec) each_connection(&Connection::close);
  });
  each_connection(&Connection::shut_down);
  end_if_empty();
}

void Server::Impl::end_if_empty() {
  const bool empty = std::all_of(ports.begin(), ports.end(), [](const Port& port) { return port.connections.empty(); });
  if (!stopping || !empty) return;
  stop_timer.cancel();
  work.reset();
}

void Server::Impl::stop() {
  if (!io_thread.joinable()) return;
  asio::post(io, [this] { begin_stop(); });
  stop_source.request_stop();  // after that, so that connections know when the replies of interrupted calls come
  io_thread.join();
  workers.stop();
  query_workers.stop();
  parking.stop();
}

Server::Server(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Server::Server(Server&&) noexcept = default;
Server& Server::operator=(Server&&) noexcept = default;
Server::~Server() = default;

Result<Server> Server::start(Service& service, ServerOptions options) {
  if (!options.access) {
    Result<std::shared_ptr<Access>> access = Access::open({});
    if (!access) return fail(std::move(access.error()));
    options.access = std::move(*access);
  }
  Result<Listeners> listeners = open_listeners(options);
  if (!listeners) return fail(std::move(listeners.error()));
  try {  // threads and descriptors may be refused by the system
    return Server(std::make_unique<Impl>(service, std::move(options), std::move(*listeners)));
  } catch (const std::system_error& e) {
    return fail({.message = std::string("failed to start the control server: ") + e.what(), .reason = "no_resources"});
  }
}

void Server::stop() { impl_->stop(); }

Result<void> Server::reload() { return impl_->reload(); }

std::string Server::socket_path() const {
  return impl_->listeners.unix_socket ? impl_->listeners.unix_socket->path : std::string();
}

std::string Server::http_addr() const { return impl_->listeners.tcp ? impl_->listeners.tcp->address : std::string(); }

}  // namespace control
