#include "http/http_codec.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/status.hpp>
#include <boost/beast/http/string_body.hpp>

namespace control {
namespace {

namespace http = boost::beast::http;
using boost::system::error_code;

constexpr std::uint64_t kMaxReplyBytes = 256ULL << 20;  // a listing of very many databases

std::string to_string(boost::beast::string_view view) { return {view.data(), view.size()}; }

bool equal_ignoring_case(std::string_view a, std::string_view b) {
  return boost::beast::iequals({a.data(), a.size()}, {b.data(), b.size()});
}

// No chunked body ends with less ("0", two line ends), so that it may be waited for. Older Beasts assert that a
// last chunk which came in pieces has that much (boostorg/beast#2861).
constexpr std::size_t kLastChunkBytes = 5;

// Feeds the parser as long as it takes something; a parser that is not eager, to the end of the header.
template <class Parser>
error_code feed(Parser& parser, std::string& buffer) {
  error_code ec;
  std::size_t used = 0;
  while (!parser.is_done() && used < buffer.size()) {
    if (parser.is_header_done() && !parser.eager()) break;
    if (parser.is_header_done() && parser.chunked() && buffer.size() - used < kLastChunkBytes) break;
    const std::size_t n = parser.put(boost::asio::buffer(buffer.data() + used, buffer.size() - used), ec);
    used += n;
    if (ec || n == 0) break;
  }
  buffer.erase(0, used);
  return ec == http::error::need_more ? error_code() : ec;
}

int status_of(const error_code& ec) {
  if (ec == http::error::body_limit) return 413;
  if (ec == http::error::header_limit) return 431;
  return 400;
}

}  // namespace

HttpResponse text_response(int status, std::string text) { return {.status = status, .body = std::move(text)}; }

std::optional<std::string_view> HttpRequest::header(std::string_view name) const {
  for (const auto& [key, value] : headers) {
    if (equal_ignoring_case(key, name)) return value;
  }
  return std::nullopt;
}

struct HttpRequestReader::Impl {
  using Parser = http::request_parser<http::string_body>;

  explicit Impl(std::size_t max) : max_body(max) { reset(); }

  void reset() {
    parser.emplace();
    parser->eager(false);  // what the header says is answered before any of the body is read
    parser->header_limit(kMaxHeaderBytes);
    parser->body_limit(max_body);
    said_continue = false;
    started = false;
  }

  State fail(int status, std::string text) {
    failure = text_response(status, std::move(text));
    return State::failed;
  }

  State fail(const error_code& ec) {
    const int status = status_of(ec);
    return fail(status, status == 400   ? "Bad request: " + ec.message() + "\n"
                        : status == 413 ? "Request body too large\n"
                                        : "Request header too large\n");
  }

  // need_more for none (RFC 9110 §10.1.1).
  State expectation() const {
    const std::string expect = to_string(parser->get()[http::field::expect]);
    if (expect.empty() || parser->get().version() < 11) return State::need_more;
    return equal_ignoring_case(expect, "100-continue") ? State::wants_continue : State::failed;
  }

  std::size_t max_body;
  std::optional<Parser> parser;
  HttpResponse failure;
  bool said_continue = false;
  bool started = false;
  bool keep_alive = true;
};

HttpRequestReader::HttpRequestReader(std::size_t max_body) : impl_(std::make_unique<Impl>(max_body)) {}
HttpRequestReader::~HttpRequestReader() = default;

bool HttpRequestReader::started() const { return impl_->started; }
bool HttpRequestReader::keep_alive() const { return impl_->keep_alive; }
HttpResponse HttpRequestReader::failure() const { return impl_->failure; }

HttpRequestReader::State HttpRequestReader::advance(std::string& buffer) {
  // Line ends between two requests are tolerated (RFC 9112 §2.2).
  if (!impl_->started) buffer.erase(0, buffer.find_first_not_of("\r\n"));
  if (buffer.empty() && !impl_->started) return State::need_more;
  impl_->started = true;
  auto& parser = *impl_->parser;
  if (!parser.is_header_done()) {
    if (error_code ec = feed(parser, buffer)) return impl_->fail(ec);
    if (!parser.is_header_done()) return State::need_more;
    if (impl_->expectation() == State::failed) return impl_->fail(417, "Expectation failed\n");
    parser.eager(true);
    // Beast takes the size of a chunk off its limit each time that it begins to read the line anew, which is with every
    // piece of one whose extension is cut. What has come of a chunked body is measured here.
    if (parser.chunked()) parser.body_limit(boost::none);
  }
  if (error_code ec = feed(parser, buffer)) return impl_->fail(ec);
  if (parser.get().body().size() > impl_->max_body) return impl_->fail(http::error::body_limit);
  if (parser.is_done()) return State::complete;
  if (impl_->expectation() == State::need_more || std::exchange(impl_->said_continue, true)) return State::need_more;
  return State::wants_continue;
}

HttpRequest HttpRequestReader::take() {
  auto message = impl_->parser->release();
  HttpRequest request;
  request.method = to_string(message.method_string());
  const std::string target = to_string(message.target());
  const std::size_t question = target.find('?');
  request.path = target.substr(0, question);
  if (question != std::string::npos) request.query = target.substr(question + 1);
  for (const auto& field : message)
    request.headers.emplace_back(to_string(field.name_string()), to_string(field.value()));
  request.version = static_cast<int>(message.version());
  request.body = std::move(message.body());
  impl_->keep_alive = message.keep_alive();
  impl_->reset();
  return request;
}

std::string print(const HttpResponse& response, ReplyFrame frame) {
  const bool has_body = response.status != 204 && response.status != 304;
  std::string out = "HTTP/1.1 " + std::to_string(response.status) + " " +
                    to_string(http::obsolete_reason(static_cast<http::status>(response.status))) + "\r\n";
  if (has_body && !response.body.empty()) out += "Content-Type: " + response.content_type + "\r\n";
  if (has_body) out += "Content-Length: " + std::to_string(response.body.size()) + "\r\n";
  for (const auto& [name, value] : response.headers) out.append(name).append(": ").append(value).append("\r\n");
  if (!frame.keep_alive) out += "Connection: close\r\n";
  if (frame.keep_alive && frame.version < 11) out += "Connection: keep-alive\r\n";
  out += "\r\n";
  if (has_body && !frame.head) out += response.body;
  return out;
}

struct HttpResponseReader::Impl {
  http::response_parser<http::string_body> parser;
};

HttpResponseReader::HttpResponseReader() : impl_(std::make_unique<Impl>()) {
  impl_->parser.eager(true);
  impl_->parser.body_limit(kMaxReplyBytes);
}
HttpResponseReader::~HttpResponseReader() = default;

Result<bool> HttpResponseReader::advance(std::string& buffer) {
  if (error_code ec = feed(impl_->parser, buffer)) {
    return fail({.code = code::kTransport, .message = "bad reply: " + ec.message(), .reason = "bad_reply"});
  }
  return impl_->parser.is_done();
}

int HttpResponseReader::status() const { return static_cast<int>(impl_->parser.get().result_int()); }
bool HttpResponseReader::keep_alive() const { return impl_->parser.keep_alive(); }
std::string HttpResponseReader::take_body() { return std::move(impl_->parser.get().body()); }

}  // namespace control
