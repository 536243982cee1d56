#include "server/connection.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/write.hpp>

namespace control {
namespace {

using boost::system::error_code;

// For the client to read our last words and hang up by itself: what we close with unread input is reset, and with it
// the reply that is still on its way.
constexpr std::chrono::seconds kLingerTime{1};

// Text that is parsed where it arrives. More of it could hold up the other connections for milliseconds.
constexpr std::size_t kParsedAtOnce = 1 << 14;

HttpResponse guarded(const RouteToHandler& route, const HttpRequest& request) {
  try {
    return route.run(request);
  } catch (...) {
    return text_response(500, "Internal server error\n");
  }
}

}  // namespace

Connection::Connection(StreamSocket socket, Transport transport, Peer peer, std::string origin,
                       ConnectionContext& context)
    : socket_(std::move(socket)),
      timer_(socket_.get_executor()),
      transport_(transport),
      peer_(std::move(peer)),
      origin_(std::move(origin)),
      session_(transport, context.options.limits),
      context_(context),
      idle_since_(Clock::now()) {}

void Connection::start(std::function<void()> on_closed) {
  on_closed_ = std::move(on_closed);
  socket_.is_tls() ? handshake() : advance();
}

void Connection::handshake() {
  handshaking_ = true;
  request_began_ = Clock::now();
  arm(request_began_ + context_.options.limits.request_timeout);
  socket_.async_handshake([self = shared_from_this()](error_code ec) {
    self->handshaking_ = false;
    if (self->closed_) return;
    if (ec) return self->close();
    self->certificate_names_ = self->socket_.peer_names();
    self->idle_since_ = Clock::now();
    self->advance();
  });
}

void Connection::shut_down() {
  shutting_down_ = true;
  session_.close_after_reply();
  if (stream_ && writing_.empty()) return pump();
  if (!busy_ && writing_.empty()) close();
}

void Connection::close() {
  if (closed_) return;
  closed_ = true;
  release();
  end_stream();
  error_code ignored;
  socket_.close(ignored);
  timer_.cancel();
  std::exchange(on_closed_, nullptr)();
}

void Connection::advance() {
  while (!closed_) {
    if (session_.has_output()) {
      std::string output = session_.take_output();
      output.erase(0, socket_.write_at_once(output));
      if (!output.empty()) return write(std::move(output));
      idle_since_ = Clock::now();
      continue;
    }
    if (stream_) return pump();
    if (shutting_down_) return close();
    if (session_.finished()) return linger();
    if (std::optional<Session::Work> work = session_.next()) {
      receiving_ = false;
      return std::visit([this](auto& item) { accept(std::move(item)); }, *work);
    }
    if (!session_.has_output() && !session_.finished()) return read();
  }
}

void Connection::arm(Clock::time_point at) {
  deadline_ = at;
  if (!alarm_ || at < *alarm_) set_alarm(at);
}

void Connection::set_alarm(Clock::time_point at) {
  alarm_ = at;
  timer_.expires_at(at);
  timer_.async_wait([self = shared_from_this()](error_code ec) {
    if (ec) return;
    self->alarm_.reset();
    if (!self->deadline_) return;
    Clock::now() >= *self->deadline_ ? self->close() : self->set_alarm(*self->deadline_);
  });
}

void Connection::release() { context_.arriving -= std::exchange(held_, 0); }

void Connection::read() {
  if (!session_.in_request()) release();
  if (session_.in_request() && !receiving_) request_began_ = Clock::now();
  receiving_ = session_.in_request();
  if (context_.arriving > context_.options.limits.max_arriving) context_.make_room();
  if (closed_) return;
  arm(receiving_ ? request_began_ + context_.options.limits.request_timeout
                 : idle_since_ + context_.options.idle_timeout);
  socket_.async_read_some(boost::asio::buffer(chunk_), [self = shared_from_this()](error_code ec, std::size_t n) {
    if (ec && ec != boost::asio::error::eof) return self->close();
    if (ec) self->session_.feed_end();
    self->session_.feed({self->chunk_.data(), n});
    self->held_ += n;
    self->context_.arriving += n;
    self->advance();
  });
}

void Connection::write(std::string output) {
  writing_ = std::move(output);
  arm(Clock::now() + context_.options.write_timeout);
  boost::asio::async_write(socket_, boost::asio::buffer(writing_),
                           [self = shared_from_this()](error_code ec, std::size_t) {
                             self->writing_.clear();
                             self->idle_since_ = Clock::now();
                             ec ? self->close() : self->advance();
                           });
}

void Connection::linger() {
  if (streamed_) return leave();
  if (socket_.is_tls()) {
    arm(Clock::now() + kLingerTime);
    return socket_.async_tls_shutdown([self = shared_from_this()](error_code) { self->close(); });
  }
  error_code ec;
  socket_.shutdown_send(ec);
  if (ec) return close();
  arm(Clock::now() + kLingerTime);
  discard();
}

void Connection::discard() {
  socket_.async_read_some(boost::asio::buffer(chunk_), [self = shared_from_this()](error_code ec, std::size_t) {
    ec ? self->close() : self->discard();
  });
}

void Connection::accept(Session::Rpc rpc) {
  if (!peer_) {
    report(nullptr, {}, peer_.error());
    session_.close_after_reply();
    session_.reply(std::optional(jsonrpc::print_error("null", peer_.error())));
    return advance();
  }
  call(std::move(rpc.text), *peer_,
       [this](const std::optional<std::string>& text, const Error*) { session_.reply(text); });
}

Result<PrincipalPtr> Connection::identify(const HttpRequest& request) const {
  if (transport_ == Transport::unix_socket) return peer_;
  return context_.access.remote({.authorization = request.header("Authorization"),
                                 .certificate_names = certificate_names_,
                                 .loopback = context_.tcp_is_loopback});
}

void Connection::accept(HttpRequest request) {
  request.received = Clock::now();
  request.stop = context_.stop;
  if (!peer_) return refuse(request, peer_.error());
  Route route = context_.router.route(request);
  if (const auto* response = std::get_if<HttpResponse>(&route)) return respond(*response);
  auto* handler = std::get_if<RouteToHandler>(&route);
  if (handler != nullptr && handler->open) return handle(std::move(*handler), std::move(request));
  const Result<PrincipalPtr> caller = identify(request);
  if (!caller) return refuse(request, caller.error());
  request.caller = *caller;
  if (handler != nullptr) {
    if (std::optional<Error> error = over_rate(*caller, 1)) return refuse(request, *error);
    return handle(std::move(*handler), std::move(request));
  }
  if (const auto* events = std::get_if<RouteToEvents>(&route)) {
    if (std::optional<Error> error = over_rate(*caller, 1)) return refuse(request, *error);
    return watch(events->watch, *caller);
  }
  call(std::move(request.body), *caller, [this](std::optional<std::string> text, const Error* refused) {
    session_.reply(rpc_response(std::move(text), refused));
  });
}

void Connection::refuse(const HttpRequest& request, const Error& error) {
  report(request.caller.get(), {}, error);
  respond(refusal_response(request, error));
}

void Connection::report(const Principal* caller, std::string_view method, const Error& error) const {
  if (!context_.options.observer) return;
  context_.options.observer({.caller = caller, .transport = transport_, .method = method, .error = &error});
}

std::optional<Error> Connection::over_rate(const PrincipalPtr& caller, std::size_t calls) const {
  const auto wait = context_.access.spend(*caller, calls, Clock::now());
  return wait ? std::optional(rate_limited(*wait)) : std::nullopt;
}

void Connection::respond(const HttpResponse& response) {
  session_.reply(response);
  advance();
}

void Connection::call(std::string text, const PrincipalPtr& caller, Reply reply) {
  if (text.size() <= kParsedAtOnce) {
    return dispatch(jsonrpc::parse(text, context_.options.limits), caller, std::move(reply));
  }
  run(context_.query_workers, [this, text = std::move(text), caller, reply = std::move(reply)]() -> Completion {
    auto incoming = std::make_shared<jsonrpc::Incoming>(jsonrpc::parse(text, context_.options.limits));
    return [this, incoming, caller, reply] { dispatch(std::move(*incoming), caller, reply); };
  });
}

void Connection::dispatch(jsonrpc::Incoming incoming, const PrincipalPtr& caller, Reply reply) {
  const auto& first = incoming.calls.front();
  if (const std::optional<Error> error = over_rate(caller, incoming.calls.size())) {
    report(caller.get(), first && !incoming.batch ? std::string_view(first->method) : std::string_view(), *error);
    const bool has_id = !incoming.batch && first && first->id;
    reply(jsonrpc::print_error(has_id ? *first->id : "null", *error), &*error);
    return advance();
  }
  Arrival arrival{.at = Clock::now(), .stop = context_.stop, .caller = caller, .transport = transport_};
  std::optional<Error> refused;
  if (!incoming.batch && first) refused = refusal(*first, arrival);
  const Pace pace = pace_of(incoming);
  if (pace == Pace::brief) {
    std::shared_ptr<EventSource> source;
    if (session_.is_bare() && !incoming.batch) arrival.stream = &source;
    std::optional<std::string> text = context_.dispatcher.run(incoming, arrival);
    if (source) return begin_stream(std::move(source), EventStream::Form::lines, *text);
    reply(std::move(text), refused ? &*refused : nullptr);
    return advance();
  }
  if (pace == Pace::parks && !refused) return park(std::move(incoming), arrival, std::move(reply));
  run(pace == Pace::waits ? context_.workers : context_.query_workers,
      [this, incoming = std::move(incoming), arrival, refused, reply = std::move(reply)]() -> Completion {
        return [this, reply, refused, text = context_.dispatcher.run(incoming, arrival)] {
          reply(text, refused ? &*refused : nullptr);
          advance();
        };
      });
}

// On a thread of its own, so that those who only wait never take one from those who work.
void Connection::park(jsonrpc::Incoming incoming, const Arrival& arrival, Reply reply) {
  if (context_.parked >= context_.options.waiters) {
    reply(Dispatcher::refuse(incoming, {.message = "too many calls are waiting",
                                        .reason = "too_many_waiters",
                                        .hint = "at most " + std::to_string(context_.options.waiters) + " at a time",
                                        .retryable = true}),
          nullptr);
    return advance();
  }
  ++context_.parked;
  run(context_.parking, [this, incoming = std::move(incoming), arrival, reply = std::move(reply)]() -> Completion {
    auto text = context_.dispatcher.run(incoming, arrival);
    --context_.parked;
    return [this, reply, text = std::move(text)] {
      reply(text, nullptr);
      advance();
    };
  });
}

void Connection::handle(RouteToHandler route, HttpRequest request) {
  Lane& lane = route.may_wait ? context_.workers : context_.query_workers;
  run(lane, [this, route = std::move(route), request = std::move(request)]() -> Completion {
    return [this, response = guarded(route, request)] { respond(response); };
  });
}

void Connection::run(Lane& lane, std::function<Completion()> job) {
  busy_ = true;
  deadline_.reset();
  lane.submit([self = shared_from_this(), executor = socket_.get_executor(), job = std::move(job)]() mutable {
    Completion done = job();
    boost::asio::post(executor, [self = std::move(self), done = std::move(done)] {
      self->busy_ = false;
      if (self->closed_) return;
      done();
    });
  });
}

}  // namespace control
