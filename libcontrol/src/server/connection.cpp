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

HttpResponse guarded(const RouteToHandler& route, const HttpRequest& request) {
  try {
    return route.run(request);
  } catch (...) {
    return text_response(500, "Internal server error\n");
  }
}

}  // namespace

Connection::Connection(Socket socket, Transport transport, ConnectionContext& context)
    : socket_(std::move(socket)),
      timer_(socket_.get_executor()),
      session_(transport),
      context_(context),
      idle_since_(Clock::now()) {}

void Connection::start(std::function<void()> on_closed) {
  on_closed_ = std::move(on_closed);
  advance();
}

void Connection::shut_down() {
  shutting_down_ = true;
  session_.close_after_reply();
  if (!busy_ && writing_.empty()) close();
}

void Connection::close() {
  if (closed_) return;
  closed_ = true;
  error_code ignored;
  socket_.close(ignored);
  timer_.cancel();
  std::exchange(on_closed_, nullptr)();
}

void Connection::advance() {
  while (!closed_) {
    if (session_.has_output()) return write(session_.take_output());
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
  timer_.expires_at(at);
  timer_.async_wait([self = shared_from_this()](error_code ec) {
    if (!ec && Clock::now() >= self->timer_.expiry()) self->close();
  });
}

void Connection::read() {
  if (session_.in_request() && !receiving_) request_began_ = Clock::now();
  receiving_ = session_.in_request();
  arm(receiving_ ? request_began_ + context_.options.request_timeout : idle_since_ + context_.options.idle_timeout);
  socket_.async_read_some(boost::asio::buffer(chunk_), [self = shared_from_this()](error_code ec, std::size_t n) {
    if (ec && ec != boost::asio::error::eof) return self->close();
    if (ec) self->session_.feed_end();
    self->session_.feed({self->chunk_.data(), n});
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
  error_code ec;
  socket_.shutdown(Socket::shutdown_send, ec);
  if (ec) return close();
  arm(Clock::now() + kLingerTime);
  discard();
}

void Connection::discard() {
  socket_.async_read_some(boost::asio::buffer(chunk_), [self = shared_from_this()](error_code ec, std::size_t) {
    ec ? self->close() : self->discard();
  });
}

void Connection::accept(const Session::Rpc& rpc) {
  call(rpc.text, [this](const std::optional<std::string>& reply) { session_.reply(reply); });
}

void Connection::accept(HttpRequest request) {
  request.received = Clock::now();
  request.stop = context_.stop;
  Route route = context_.router.route(request);
  if (const auto* response = std::get_if<HttpResponse>(&route)) return respond(*response);
  if (auto* handler = std::get_if<RouteToHandler>(&route)) return handle(std::move(*handler), std::move(request));
  call(request.body, [this](std::optional<std::string> reply) { session_.reply(rpc_response(std::move(reply))); });
}

void Connection::respond(const HttpResponse& response) {
  session_.reply(response);
  advance();
}

void Connection::call(std::string_view text, std::function<void(std::optional<std::string>)> reply) {
  jsonrpc::Incoming incoming = jsonrpc::parse(text);
  const Pace pace = pace_of(incoming);
  const Arrival arrival{.at = Clock::now(), .stop = context_.stop};
  if (pace == Pace::brief) {
    reply(context_.dispatcher.run(incoming, arrival));
    return advance();
  }
  run(pace == Pace::waits, [this, incoming = std::move(incoming), arrival, reply = std::move(reply)]() -> Completion {
    return [reply, text = context_.dispatcher.run(incoming, arrival)] { reply(text); };
  });
}

void Connection::handle(RouteToHandler route, HttpRequest request) {
  const bool waits = route.may_wait;
  run(waits, [this, route = std::move(route), request = std::move(request)]() -> Completion {
    return [this, response = guarded(route, request)] { session_.reply(response); };
  });
}

void Connection::run(bool may_wait, std::function<Completion()> job) {
  busy_ = true;
  timer_.cancel();
  Lane& lane = may_wait ? context_.workers : context_.query_workers;
  lane.submit([self = shared_from_this(), executor = socket_.get_executor(), job = std::move(job)]() mutable {
    Completion done = job();
    boost::asio::post(executor, [self = std::move(self), done = std::move(done)] {
      self->busy_ = false;
      if (self->closed_) return;
      done();
      self->advance();
    });
  });
}

}  // namespace control
