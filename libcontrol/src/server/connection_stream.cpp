// A connection that follows events: it is written to as fast as its reader takes it, from a source that waits for
// nobody. Everything here runs on the io thread.
#include <boost/asio/buffer.hpp>
#include <boost/asio/post.hpp>

#include "http/events_route.hpp"
#include "server/connection.hpp"

namespace control {
namespace {

using boost::system::error_code;

constexpr std::chrono::seconds kLingerTime{1};  // for the reader to hang up by itself

}  // namespace

void Connection::watch(const jsonrpc::Request& request, const PrincipalPtr& caller) {
  std::shared_ptr<EventSource> source;
  const Arrival arrival{
      .at = Clock::now(), .stop = context_.stop, .caller = caller, .transport = transport_, .stream = &source};
  jsonrpc::Incoming incoming;
  incoming.calls.emplace_back(request);
  const std::string reply = context_.dispatcher.run(incoming, arrival).value_or(std::string());
  if (source) return begin_stream(std::move(source), EventStream::Form::server_sent, reply);
  const auto response = jsonrpc::parse_response(reply);
  respond(watch_refusal(!response ? response.error() : response->outcome ? Error{} : response->outcome.error()));
}

void Connection::begin_stream(std::shared_ptr<EventSource> source, EventStream::Form form, const std::string& result) {
  if (context_.watching >= context_.options.watchers) {
    const Error error{.message = "too many watchers",
                      .reason = "too_many_watchers",
                      .hint = "at most " + std::to_string(context_.options.watchers) + " at a time",
                      .retryable = true};
    if (form == EventStream::Form::server_sent) return respond(watch_refusal(error));
    const auto parsed = jsonrpc::parse_response(result);
    session_.reply(std::optional(jsonrpc::print_error(parsed ? parsed->id : "null", error)));
    return advance();
  }
  release();
  ++context_.watching;
  streamed_ = true;
  stream_.emplace(std::move(source), form);
  session_.reply_with_stream(stream_->opening(result));
  // Many events may come before the io thread looks: one word for all of them is enough.
  const auto word = std::make_shared<std::atomic<bool>>(false);
  stream_->source().on_event([weak = weak_from_this(), word, executor = socket_.get_executor()] {
    if (word->exchange(true)) return;
    boost::asio::post(executor, [weak, word] {
      word->store(false);
      const auto self = weak.lock();
      if (self && self->stream_ && self->writing_.empty()) self->advance();
    });
  });
  watch_input();
  advance();
}

// The next events to the reader, once it has taken the last ones.
void Connection::pump() {
  if (shutting_down_) {
    stream_->end({.message = "the daemon is shutting down", .reason = "shutting_down", .retryable = true});
  }
  std::string events = stream_->take();
  if (stream_->finished()) end_stream();
  if (!events.empty()) return write(std::move(events));
  await_events();
}

void Connection::await_events() {
  deadline_.reset();
  alarm_.reset();
  timer_.expires_after(context_.options.heartbeat);
  timer_.async_wait([self = shared_from_this()](error_code ec) {
    if (ec || !self->stream_ || !self->writing_.empty()) return;
    if (std::string sign = self->stream_->heartbeat(); !sign.empty()) return self->write(std::move(sign));
    self->input_ended_ && self->socket_.is_hung_up() ? self->close() : self->await_events();
  });
}

// What the reader says is not listened to, but that it hangs up is noticed.
void Connection::watch_input() {
  socket_.async_read_some(boost::asio::buffer(chunk_), [self = shared_from_this()](error_code ec, std::size_t) {
    ec ? self->input_ended() : self->watch_input();
  });
}

void Connection::input_ended() {
  input_ended_ = true;
  // `nc -N` ends its side and goes on reading; who asked over HTTP has left.
  if (!stream_ || stream_->form() == EventStream::Form::server_sent || socket_.is_hung_up()) close();
}

// The last words are out: the reader hangs up, or has a moment to do so.
void Connection::leave() {
  arm(Clock::now() + kLingerTime);
  if (socket_.is_tls()) {
    return socket_.async_tls_shutdown([self = shared_from_this()](error_code) { self->close(); });
  }
  error_code ec;
  socket_.shutdown_send(ec);
  if (ec || input_ended_) close();
}

// The source is let go; what is written already still goes out.
void Connection::end_stream() {
  if (!stream_) return;
  stream_.reset();
  --context_.watching;
}

}  // namespace control
