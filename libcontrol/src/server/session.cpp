#include "server/session.hpp"

#include "control/jsonrpc.hpp"

namespace control {

void Session::feed(std::string_view bytes) {
  if (finished_) return;
  if (mode_ == Mode::bare) {
    json_.feed(bytes);
    return;
  }
  buffer_.append(bytes);
  if (mode_ == Mode::unknown) choose_mode();
}

void Session::feed_end() { ended_ = true; }

void Session::choose_mode() {
  const std::size_t first = buffer_.find_first_not_of(" \t\r\n");
  buffer_.erase(0, first);  // npos = all
  if (buffer_.empty()) return;
  const bool looks_like_json = buffer_.front() == '{' || buffer_.front() == '[';
  mode_ = looks_like_json && transport_ == Transport::unix_socket ? Mode::bare : Mode::http;
  if (mode_ == Mode::bare) json_.feed(std::exchange(buffer_, {}));
}

std::optional<Session::Work> Session::next() {
  if (busy_ || finished_) return std::nullopt;
  std::optional<Work> work;
  if (mode_ == Mode::bare) work = next_bare();
  if (mode_ == Mode::http) work = next_http();
  busy_ = work.has_value();
  if (!busy_ && ended_) finished_ = true;
  return work;
}

void Session::refuse(std::string_view id, const Error& error) {
  output_ += jsonrpc::print_error(id, error) + "\n";
  finished_ = true;
}

std::optional<Session::Work> Session::next_bare() {
  switch (json_.scan()) {
    case JsonStream::State::complete:
      return Rpc{json_.take()};
    case JsonStream::State::too_large:
      refuse("null", {.code = code::kInvalidRequest,
                      .message = "request larger than " + std::to_string(max_body_) + " bytes",
                      .reason = "too_large"});
      return std::nullopt;
    case JsonStream::State::need_more:
      if (!ended_ || !json_.in_value()) return std::nullopt;
      [[fallthrough]];
    case JsonStream::State::broken:
      refuse("null", {.code = code::kParseError,
                      .message = "Parse error",
                      .reason = "parse_error",
                      .hint = "send JSON objects or arrays"});
      return std::nullopt;
  }
  return std::nullopt;
}

std::optional<Session::Work> Session::next_http() {
  switch (http_.advance(buffer_)) {
    case HttpRequestReader::State::need_more:
      return std::nullopt;
    case HttpRequestReader::State::wants_continue:
      output_ += "HTTP/1.1 100 Continue\r\n\r\n";
      return std::nullopt;
    case HttpRequestReader::State::failed:
      output_ += print(http_.failure(), {.keep_alive = false});
      finished_ = true;
      return std::nullopt;
    case HttpRequestReader::State::complete:
      break;
  }
  HttpRequest request = http_.take();
  request.transport = transport_;
  frame_ = {.head = request.method == "HEAD", .keep_alive = http_.keep_alive(), .version = request.version};
  return request;
}

void Session::reply(const std::optional<std::string>& text) {
  busy_ = false;
  if (text) output_ += *text + "\n";
  if (closing_) finished_ = true;
}

void Session::reply(const HttpResponse& response) {
  busy_ = false;
  if (closing_) frame_.keep_alive = false;
  output_ += print(response, frame_);
  if (!frame_.keep_alive) finished_ = true;
}

void Session::reply_with_stream(std::string_view opening) {
  busy_ = false;
  output_ += opening;
  finished_ = true;
}

bool Session::in_request() const {
  return mode_ == Mode::bare ? json_.in_value() : http_.started() || !buffer_.empty();
}

}  // namespace control
