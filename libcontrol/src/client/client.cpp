#include "control/client.hpp"

#include <cstdint>
#include <optional>

#include "client/client_socket.hpp"
#include "client/event_reader.hpp"
#include "control/jsonrpc.hpp"
#include "http/http_codec.hpp"
#include "net/address.hpp"

namespace control {
namespace {

constexpr std::string_view kHttpScheme = "http://";
constexpr std::string_view kHttpsScheme = "https://";
constexpr std::string_view kDefaultPath = "/control/";
constexpr std::chrono::milliseconds kStopSlice{100};  // how late a stop is noticed

Failure transport_failure(std::string message) {
  return fail({.code = code::kTransport, .message = std::move(message), .reason = "unavailable", .retryable = true});
}

struct Url {
  std::string host;  // with the port, as sent
  std::string path;
};

Url split_url(std::string_view rest, std::string_view default_port) {
  const std::size_t slash = rest.find('/');
  std::string host(rest.substr(0, slash));
  const bool has_path = slash != std::string_view::npos && slash + 1 < rest.size();
  if (host.find(':', host.rfind(']') == host.npos ? 0 : host.rfind(']')) == host.npos)
    host.append(":").append(default_port);
  return {.host = std::move(host), .path = std::string(has_path ? rest.substr(slash) : kDefaultPath)};
}

}  // namespace

struct Client::Impl {
  ClientSocket socket;
  std::string token{};
  std::optional<Url> url{};  // none: bare JSON on a Unix socket
  std::string buffer{};      // received, not yet used
  std::int64_t last_id = 0;
  bool broken = false;

  std::string frame(std::string request) const;
  Result<std::string> receive_line(Deadline deadline);
  Result<std::string> receive_http(Deadline deadline);
  Result<void> fill(Deadline deadline);
  Result<jsonrpc::Response> exchange(const jsonrpc::Request& request, Deadline deadline);
  // The next line of a stream that may be silent for long; none when the stop was requested.
  Result<std::optional<std::string>> next_line(const std::stop_token& stop);
  Result<void> subscribe(const boost::json::object& params, EventReader& reader);
};

std::string Client::Impl::frame(std::string request) const {
  if (!url) return std::move(request) + "\n";
  return "POST " + url->path + " HTTP/1.1\r\nHost: " + url->host +
         (token.empty() ? "" : "\r\nAuthorization: Bearer " + token) +
         "\r\nUser-Agent: litestreamctl\r\nContent-Type: application/json\r\nContent-Length: " +
         std::to_string(request.size()) + "\r\n\r\n" + request;
}

Result<void> Client::Impl::fill(Deadline deadline) {
  Result<std::string> bytes = socket.receive(deadline);
  if (!bytes) return fail(std::move(bytes.error()));
  if (bytes->empty()) return transport_failure("receive reply: the server closed the connection");
  buffer += *bytes;
  return {};
}

Result<std::string> Client::Impl::receive_line(Deadline deadline) {
  std::size_t searched = 0;
  std::size_t end = 0;
  while ((end = buffer.find('\n', searched)) == std::string::npos) {
    searched = buffer.size();
    if (Result<void> filled = fill(deadline); !filled) return fail(std::move(filled.error()));
  }
  std::string line = buffer.substr(0, end);
  buffer.erase(0, end + 1);
  broken = false;
  return line;
}

Result<std::string> Client::Impl::receive_http(Deadline deadline) {
  HttpResponseReader reader;
  for (;;) {
    Result<bool> complete = reader.advance(buffer);
    if (!complete) return fail(std::move(complete.error()));
    if (*complete) break;
    if (Result<void> filled = fill(deadline); !filled) return fail(std::move(filled.error()));
  }
  broken = !reader.keep_alive();
  if (reader.status() != 200) {
    std::string text = reader.take_body();
    if (text.starts_with('{') && jsonrpc::parse_response(text)) return text;  // why, as JSON-RPC says it
    text.erase(text.find_last_not_of(" \r\n") + 1);
    return fail({.code = code::kTransport,
                 .message = "server answered " + std::to_string(reader.status()) + ": " + text,
                 .reason = "bad_reply"});
  }
  return reader.take_body();
}

Result<jsonrpc::Response> Client::Impl::exchange(const jsonrpc::Request& request, Deadline deadline) {
  if (broken) return transport_failure("the connection is closed");
  broken = true;  // until receive_* has a whole reply
  if (Result<void> sent = socket.send(frame(jsonrpc::print(request)), deadline); !sent) {
    return fail(std::move(sent.error()));
  }
  Result<std::string> text = url ? receive_http(deadline) : receive_line(deadline);
  if (!text) return fail(std::move(text.error()));
  return jsonrpc::parse_response(*text);
}

Client::Client(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Client::Client(Client&&) noexcept = default;
Client& Client::operator=(Client&&) noexcept = default;
Client::~Client() = default;

Result<Client> Client::connect(const std::string& target, std::chrono::milliseconds timeout) {
  return connect(target, ClientOptions{.connect_timeout = timeout});
}

Result<Client> Client::connect(const std::string& target, const ClientOptions& options) {
  const Deadline deadline = std::chrono::steady_clock::now() + options.connect_timeout;
  const bool is_https = target.starts_with(kHttpsScheme);
  const bool is_http = is_https || target.starts_with(kHttpScheme);
  std::optional<Url> url;
  Result<ClientSocket> socket = [&]() -> Result<ClientSocket> {
    if (!is_http) return ClientSocket::dial_unix(target, deadline);
    const std::string_view scheme = is_https ? kHttpsScheme : kHttpScheme;
    url = split_url(std::string_view(target).substr(scheme.size()), is_https ? "443" : "80");
    Result<std::pair<std::string, std::string>> parts = split_address(url->host);
    if (!parts) return fail({.code = code::kTransport, .message = parts.error().message, .reason = "invalid_address"});
    Result<ClientSocket> dialled = ClientSocket::dial_tcp(parts->first, parts->second, deadline);
    if (!dialled || !is_https) return dialled;
    if (Result<void> tls = dialled->start_tls(parts->first, options, deadline); !tls)
      return fail(std::move(tls.error()));
    return dialled;
  }();
  if (!socket) {
    Error error = std::move(socket.error());
    error.message =
        (is_http ? "failed to connect to control server: " : "failed to connect to control socket: ") + error.message;
    return fail(std::move(error));
  }
  return Client(
      std::make_unique<Impl>(Impl{.socket = std::move(*socket), .token = options.token, .url = std::move(url)}));
}

Result<boost::json::value> Client::call(std::string_view method, const boost::json::value& params,
                                        std::chrono::milliseconds timeout) {
  const Deadline deadline = std::chrono::steady_clock::now() + timeout + kClientGrace;
  const std::string id = std::to_string(++impl_->last_id);
  jsonrpc::Request request{.method = std::string(method), .params = params, .id = id};
  Result<jsonrpc::Response> response = impl_->exchange(request, deadline);
  if (!response) return fail(std::move(response.error()));
  // An error without an id: the server could not read the request.
  const bool mine = response->id == id || (!response->outcome && response->id == "null");
  if (!mine) {
    impl_->broken = true;
    return transport_failure("bad reply: it belongs to another request");
  }
  return std::move(response->outcome);
}

Result<std::optional<std::string>> Client::Impl::next_line(const std::stop_token& stop) {
  std::size_t end = 0;
  while ((end = buffer.find('\n')) == std::string::npos) {
    if (stop.stop_requested()) return std::optional<std::string>();
    Result<void> filled = fill(std::chrono::steady_clock::now() + kStopSlice);
    if (!filled && filled.error().reason != "timed_out") return fail(std::move(filled.error()));
  }
  std::string line = buffer.substr(0, end);
  buffer.erase(0, end + 1);
  if (line.ends_with('\r')) line.pop_back();
  return std::optional(std::move(line));
}

Result<void> Client::Impl::subscribe(const boost::json::object& params, EventReader& reader) {
  const Deadline deadline = std::chrono::steady_clock::now() + kDefaultTimeout;
  if (!url) return socket.send(jsonrpc::print({.method = "watch", .params = params, .id = "1"}) + "\n", deadline);
  reader.expect_http();
  return socket.send("GET " + events_target(params) + " HTTP/1.1\r\nHost: " + url->host +
                         (token.empty() ? "" : "\r\nAuthorization: Bearer " + token) +
                         "\r\nUser-Agent: litestreamctl\r\nAccept: text/event-stream\r\n\r\n",
                     deadline);
}

Result<void> Client::watch(const boost::json::object& params, const Watcher& watcher, const std::stop_token& stop) {
  if (impl_->broken) return transport_failure("the connection is closed");
  impl_->broken = true;
  EventReader reader;
  if (Result<void> sent = impl_->subscribe(params, reader); !sent) return sent;
  for (;;) {
    Result<std::optional<std::string>> line = impl_->next_line(stop);
    if (!line) return fail(std::move(line.error()));
    if (!*line) return {};
    Result<EventReader::Item> item = reader.read(**line);
    if (!item) return fail(std::move(item.error()));
    if (item->kind == EventReader::Kind::subscribed && watcher.subscribed) watcher.subscribed(item->value);
    if (item->kind == EventReader::Kind::event && !watcher.event(item->value)) return {};
  }
}

}  // namespace control
