// HTTP/1.1 messages ↔ bytes. The only place that knows Beast.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "control/error.hpp"
#include "control/http.hpp"

namespace control {

inline constexpr std::size_t kMaxHeaderBytes = 1 << 14;

// One request at a time out of a stream of bytes.
class HttpRequestReader {
 public:
  explicit HttpRequestReader(std::size_t max_body);
  ~HttpRequestReader();

  enum class State { need_more, wants_continue, complete, failed };

  // Takes what it can use from the front of `buffer`. `wants_continue` is said once, when the client waits for
  // "100 Continue" before it sends the body. After `complete` comes take(), after `failed` only failure().
  State advance(std::string& buffer);

  HttpRequest take();       // also makes ready for the next one
  bool keep_alive() const;  // of the request that take() gave
  bool started() const;     // some bytes of a request were taken
  HttpResponse failure() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// Why the reply is what it is: HEAD has no body but its length; keep_alive is spelled out for 1.0.
struct ReplyFrame {
  bool head = false;
  bool keep_alive = true;
  int version = 11;
};

std::string print(const HttpResponse& response, ReplyFrame frame);

HttpResponse text_response(int status, std::string text);

// The client's side: one response a call.
class HttpResponseReader {
 public:
  HttpResponseReader();
  ~HttpResponseReader();

  // True when the response is complete; code::kTransport for what is no HTTP.
  Result<bool> advance(std::string& buffer);
  int status() const;
  bool keep_alive() const;
  std::string take_body();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace control
