// A plain or a TLS connection as one type, for Asio's reads and writes. For one thread, as sockets are.
#pragma once

#include <poll.h>

#include <boost/asio/buffer.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace control {

class StreamSocket {
 public:
  using Socket = boost::asio::generic::stream_protocol::socket;
  using executor_type = Socket::executor_type;  // NOLINT(readability-identifier-naming): Asio asks for it
  using ErrorCode = boost::system::error_code;

  explicit StreamSocket(Socket socket) : plain_(std::move(socket)) {}
  // `context` stays alive as long as the connection, whatever is reloaded meanwhile.
  StreamSocket(Socket socket, std::shared_ptr<boost::asio::ssl::context> context)
      : context_(std::move(context)), tls_(std::make_unique<Tls>(std::move(socket), *context_)) {}

  bool is_tls() const { return tls_ != nullptr; }
  executor_type get_executor() { return lowest().get_executor(); }

  template <class Handler>
  void async_handshake(Handler&& handler) {
    tls_->async_handshake(boost::asio::ssl::stream_base::server, std::forward<Handler>(handler));
  }
  template <class Buffers, class Handler>
  auto async_read_some(const Buffers& buffers, Handler&& handler) {
    if (tls_) return tls_->async_read_some(buffers, std::forward<Handler>(handler));
    return plain_->async_read_some(buffers, std::forward<Handler>(handler));
  }
  template <class Buffers, class Handler>
  auto async_write_some(const Buffers& buffers, Handler&& handler) {
    if (tls_) return tls_->async_write_some(buffers, std::forward<Handler>(handler));
    return plain_->async_write_some(buffers, std::forward<Handler>(handler));
  }
  // What goes out without waiting, of a plain connection: how many bytes of `text`. Errors are left for the next write.
  std::size_t write_at_once(const std::string& text) {
    if (tls_) return 0;
    ErrorCode ec;
    if (!plain_->non_blocking()) plain_->non_blocking(true, ec);
    if (ec) return 0;
    const std::size_t sent = plain_->write_some(boost::asio::buffer(text), ec);
    return ec ? 0 : sent;
  }
  template <class Handler>
  void async_tls_shutdown(Handler&& handler) {
    tls_->async_shutdown(std::forward<Handler>(handler));
  }
  // No more is sent; for plain connections.
  void shutdown_send(ErrorCode& ec) { lowest().shutdown(Socket::shutdown_send, ec); }
  void close(ErrorCode& ec) { lowest().close(ec); }
  // The other side reads no more either; one that only ended its side has not hung up.
  bool is_hung_up() {
    pollfd poller{.fd = lowest().native_handle(), .events = 0, .revents = 0};
    return ::poll(&poller, 1, 0) > 0 && (poller.revents & (POLLHUP | POLLERR)) != 0;
  }

  // Common name and alternative names (DNS, URI, e-mail) of the client's certificate; empty without one. Only after the
  // handshake, which has verified it.
  std::vector<std::string> peer_names() const;

 private:
  using Tls = boost::asio::ssl::stream<Socket>;
  Socket& lowest() { return tls_ ? tls_->next_layer() : *plain_; }

  std::optional<Socket> plain_;
  std::shared_ptr<boost::asio::ssl::context> context_;
  std::unique_ptr<Tls> tls_;
};

}  // namespace control
