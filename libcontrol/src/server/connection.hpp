// One accepted connection: moves bytes between a socket and a Session, and requests to the workers. All methods are
// called on the io thread.
#pragma once

#include <array>
#include <atomic>
#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <memory>

#include "control/dispatcher.hpp"
#include "http/router.hpp"
#include "server/event_stream.hpp"
#include "server/lane.hpp"
#include "server/session.hpp"
#include "server/stream_socket.hpp"

namespace control {

// What all connections of a server share. Outlives them.
struct ConnectionContext {
  const ServerOptions& options;
  const Dispatcher& dispatcher;
  const Router& router;
  Lane& workers;        // calls that may wait
  Lane& query_workers;  // the others
  Lane& parking;        // calls that do nothing but wait
  std::stop_token stop;
  Access& access;
  bool tcp_is_loopback = false;
  std::function<void()> make_room{};    // closes a connection whose request is arriving
  std::size_t arriving = 0;             // bytes of requests that are not answered yet
  std::atomic<std::size_t> parked = 0;  // calls that do nothing but wait
  std::size_t watching = 0;             // connections that follow events
};

// Who is at the other end of a Unix socket, or why that one may do nothing. On TCP every request says it for itself.
using Peer = Result<PrincipalPtr>;

class Connection : public std::enable_shared_from_this<Connection> {
 public:
  using Socket = StreamSocket::Socket;
  using Clock = std::chrono::steady_clock;

  Connection(StreamSocket socket, Transport transport, Peer peer, std::string origin, ConnectionContext& context);

  // `on_closed` is called once.
  void start(std::function<void()> on_closed);
  // Finishes the request under way and closes.
  void shut_down();
  // Closes now; a request under way goes on, its reply is dropped.
  void close();

  // idle: between two requests. arriving: part of one is there. working: it runs, or its reply is on the way.
  enum class State { idle, arriving, working };
  State state() const {
    if (busy_ || stream_ || !writing_.empty()) return State::working;
    return handshaking_ || session_.in_request() ? State::arriving : State::idle;
  }
  // Who holds it, as origin_of() says.
  const std::string& origin() const { return origin_; }
  // Bytes of the request that is arriving or worked on.
  std::size_t held() const { return held_; }
  // When that began; for `idle` and `arriving`.
  Clock::time_point since() const { return state() == State::arriving ? request_began_ : idle_since_; }

 private:
  void handshake();
  void advance();
  void read();
  void write(std::string output);
  void linger();
  void discard();
  // Closes at that time, unless told otherwise before. An alarm that comes too early is set again only then: most
  // requests change the deadline and touch no timer.
  void arm(Clock::time_point at);
  void set_alarm(Clock::time_point at);

  void accept(Session::Rpc rpc);
  void accept(HttpRequest request);
  Result<PrincipalPtr> identify(const HttpRequest& request) const;
  void refuse(const HttpRequest& request, const Error& error);
  // Of a refusal before the call was dispatched.
  void report(const Principal* caller, std::string_view method, const Error& error) const;
  // `refused`: why the only call was turned away.
  using Reply = std::function<void(std::optional<std::string> text, const Error* refused)>;
  void call(std::string text, const PrincipalPtr& caller, Reply reply);
  void dispatch(jsonrpc::Incoming incoming, const PrincipalPtr& caller, Reply reply);
  void park(jsonrpc::Incoming incoming, const Arrival& arrival, Reply reply);
  std::optional<Error> over_rate(const PrincipalPtr& caller, std::size_t calls) const;
  void handle(RouteToHandler route, HttpRequest request);
  void respond(const HttpResponse& response);

  void release();

  // Runs `job` on a worker, and what it returned on the io thread; that goes on with advance().
  using Completion = std::function<void()>;
  void run(Lane& lane, std::function<Completion()> job);

  // The rest of a connection's life once it follows events: connection_stream.cpp.
  void watch(const jsonrpc::Request& request, const PrincipalPtr& caller);
  void begin_stream(std::shared_ptr<EventSource> source, EventStream::Form form, const std::string& result);
  void pump();
  void await_events();
  void watch_input();
  void input_ended();
  void end_stream();
  void leave();

  StreamSocket socket_;
  boost::asio::steady_timer timer_;
  std::optional<Clock::time_point> deadline_;
  std::optional<Clock::time_point> alarm_;  // when the timer calls set_alarm()'s handler
  Transport transport_;
  Peer peer_;
  std::string origin_;
  std::vector<std::string> certificate_names_;
  Session session_;
  ConnectionContext& context_;
  std::function<void()> on_closed_;
  std::array<char, 1 << 14> chunk_;
  std::string writing_;
  std::optional<EventStream> stream_;
  bool streamed_ = false;     // there is or was a stream
  bool input_ended_ = false;  // of a stream
  std::size_t held_ = 0;
  Clock::time_point idle_since_;
  Clock::time_point request_began_;
  bool handshaking_ = false;
  bool receiving_ = false;  // request_began_ holds
  bool busy_ = false;       // a job runs
  bool shutting_down_ = false;
  bool closed_ = false;
};

}  // namespace control
