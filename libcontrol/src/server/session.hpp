// What goes on in one connection, without the connection: bytes in, requests out, replies in, bytes out. The first byte
// that is not blank decides between bare JSON-RPC and HTTP/1.1. Requests come out one at a time, in order.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include "control/http.hpp"
#include "control/limits.hpp"
#include "http/http_codec.hpp"
#include "rpc/json_stream.hpp"

namespace control {

class Session {
 public:
  explicit Session(Transport transport, const Limits& limits = {})
      : transport_(transport), max_body_(limits.max_body), json_(limits.max_body), http_(limits.max_body) {}

  void feed(std::string_view bytes);
  void feed_end();  // nothing more will come

  struct Rpc {
    std::string text;
  };
  using Work = std::variant<Rpc, HttpRequest>;

  // The next request; none until the last one was replied to. May add to the output, and may finish the session.
  std::optional<Work> next();

  // The answer to the last request that next() gave: none for notifications (Rpc), a response (HttpRequest).
  void reply(const std::optional<std::string>& text);
  void reply(const HttpResponse& response);
  // The answer is a stream that begins with `opening`: the rest is not the session's any more.
  void reply_with_stream(std::string_view opening);

  std::string take_output() { return std::exchange(output_, {}); }
  bool has_output() const { return !output_.empty(); }

  // Replies from now on say that the connection will be closed.
  void close_after_reply() { closing_ = true; }

  bool is_bare() const { return mode_ == Mode::bare; }

  // Part of a request is there, the rest not yet.
  bool in_request() const;
  // Nothing more is read or answered: close when the output is written.
  bool finished() const { return finished_; }

 private:
  enum class Mode { unknown, bare, http };

  void choose_mode();
  std::optional<Work> next_bare();
  std::optional<Work> next_http();
  void refuse(std::string_view id, const Error& error);

  Transport transport_;
  std::size_t max_body_;
  Mode mode_ = Mode::unknown;
  std::string buffer_;  // not yet given to the reader; unused once the mode is bare
  JsonStream json_;
  HttpRequestReader http_;
  ReplyFrame frame_;
  std::string output_;
  bool ended_ = false;
  bool busy_ = false;
  bool closing_ = false;
  bool finished_ = false;
};

}  // namespace control
