// Bytes of a connection to requests and replies. The first byte says over which transport and into which pieces the
// rest is cut; what comes out must not depend on the pieces.
#include "fuzz/fuzz.hpp"
#include "http/router.hpp"
#include "server/session.hpp"

namespace {

constexpr std::size_t kMaxBody = 256;  // in reach of the inputs

using control::HttpRequest;
using control::Session;

class Conversation {
 public:
  explicit Conversation(control::Transport transport) : session_(transport, {.max_body = kMaxBody}) {}

  void feed(std::string_view bytes) {
    session_.feed(bytes);
    drain();
  }
  void end() {
    session_.feed_end();
    drain();
    fuzz::require(session_.finished(), "after the end of the input a session is finished");
  }
  const std::string& requests() const { return requests_; }
  const std::string& output() const { return output_; }
  bool broken() const { return output_.find("HTTP/1.1 400 ") != output_.npos; }

 private:
  void drain() {
    while (std::optional<Session::Work> work = session_.next()) std::visit([this](auto& item) { answer(item); }, *work);
    std::string output = session_.take_output();
    // Who has sent its body already is not told to go on.
    constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";
    for (std::size_t at = 0; (at = output.find(kContinue, at)) != output.npos;) output.erase(at, kContinue.size());
    output_ += output;
  }
  void answer(const Session::Rpc& rpc) {
    fuzz::require(rpc.text.size() <= kMaxBody, "a request is not larger than allowed");
    requests_ += "<rpc " + rpc.text + ">";
    session_.reply(std::optional<std::string>("{}"));
  }
  void answer(const HttpRequest& request) {
    fuzz::require(request.body.size() <= kMaxBody, "a body is not larger than allowed");
    requests_ += "<" + request.method + " " + request.path + " " + request.query + " " + request.body;
    for (const auto& [name, value] : request.headers) requests_ += " " + name + "=" + value;
    requests_ += ">";
    const control::Route route = router_.route(request);
    if (const auto* response = std::get_if<control::HttpResponse>(&route)) return session_.reply(*response);
    if (std::holds_alternative<control::RouteToRpc>(route)) return session_.reply(control::rpc_response("{}"));
    session_.reply(std::get<control::RouteToHandler>(route).run(request));
  }

  control::Router router_{{.bound_to_loopback = true,
                           .metrics = [] { return std::string("up 1\n"); },
                           .health = [](const control::HealthQuery&) { return control::Health{}; }}};
  Session session_;
  std::string requests_;
  std::string output_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::uint8_t choice = *data;
  const std::string_view text = fuzz::text(data + 1, size - 1);
  const auto transport = (choice & 1U) != 0 ? control::Transport::tcp : control::Transport::unix_socket;
  Conversation whole(transport);
  whole.feed(text);
  whole.end();
  Conversation pieces(transport);
  const std::size_t step = (choice >> 1U) % 32 + 1;
  for (std::size_t at = 0; at < text.size(); at += step) pieces.feed(text.substr(at, step));
  pieces.end();
  fuzz::require(whole.requests() == pieces.requests(), "it makes no difference how the bytes are cut");
  // A broken header is noticed at its end at the latest; one without an end, when enough of it came at once.
  const bool broken = whole.broken() || pieces.broken();
  fuzz::require(broken || whole.output() == pieces.output(), "nor to what is answered");
  return 0;
}
