#include "control/rest_client.hpp"

#include "client/client_socket.hpp"
#include "http/http_codec.hpp"

namespace control {
namespace {

std::string frame(const RestRequest& request) {
  std::string out = std::string(request.method) + " " + std::string(request.path) +
                    " HTTP/1.1\r\nHost: localhost\r\nUser-Agent: litestreamctl\r\nConnection: close\r\n";
  if (request.method == "GET") return out + "\r\n";
  return out + "Content-Type: application/json\r\nContent-Length: " + std::to_string(request.body.size()) + "\r\n\r\n" +
         std::string(request.body);
}

Failure failure(std::string message) {
  return fail({.code = code::kTransport, .message = std::move(message), .reason = "unavailable", .retryable = true});
}

}  // namespace

Result<RestReply> rest_request(const std::string& socket_path, const RestRequest& request,
                               std::chrono::milliseconds timeout) {
  if (socket_path.empty()) return failure("dial unix: missing address");
  const Deadline deadline = std::chrono::steady_clock::now() + timeout;
  auto socket = ClientSocket::dial_unix(socket_path, deadline);
  if (!socket) return fail(std::move(socket.error()));
  if (auto sent = socket->send(frame(request), deadline); !sent) return fail(std::move(sent.error()));
  HttpResponseReader reader;
  std::string buffer;
  for (;;) {
    const auto complete = reader.advance(buffer);
    if (!complete) return fail(complete.error());
    if (*complete) return RestReply{reader.status(), reader.take_body()};
    auto bytes = socket->receive(deadline);
    if (!bytes) return fail(std::move(bytes.error()));
    if (bytes->empty()) return failure("EOF");
    buffer += *bytes;
  }
}

}  // namespace control
