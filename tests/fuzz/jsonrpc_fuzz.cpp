// Text of a request to text of a reply, by a Service that knows two databases and a caller that may use one of them.
#include <boost/json/parse.hpp>

#include "control/dispatcher.hpp"
#include "control/fixture.hpp"
#include "control/jsonrpc.hpp"
#include "fuzz/fuzz.hpp"

namespace {

void check_reply(const boost::json::value& reply) {
  const boost::json::object* object = reply.if_object();
  fuzz::require(object != nullptr, "a reply is an object");
  fuzz::require(object->contains("id") && object->contains("jsonrpc"), "a reply has its id");
  fuzz::require(object->contains("result") != object->contains("error"), "a reply has a result or an error");
}

void check(const std::string& text) {
  boost::system::error_code ec;
  const boost::json::value replies = boost::json::parse(text, ec);
  fuzz::require(!ec, "a reply is JSON");
  fuzz::require(text.find('\n') == text.npos, "a reply is one line");
  if (!replies.is_array()) return check_reply(replies);
  fuzz::require(!replies.get_array().empty(), "a batch of replies is not empty");
  for (const boost::json::value& reply : replies.get_array()) check_reply(reply);
}

// What the Service was asked for beyond what the caller may do.
bool oversteps(const std::string& call) {
  return (call.find("/a.db") != call.npos || call.starts_with("stop")) && !call.starts_with("list");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = fuzz::text(data, size);
  for (const bool limited : {false, true}) {
    control_test::FakeService service;
    service.open_gate();
    const control::Dispatcher dispatcher(service);
    control::Arrival arrival;
    if (limited) {
      arrival.caller = std::make_shared<const control::Principal>(
          control::Principal{.name = "limited", .role = control::Role::read, .databases = {"/b*"}});
    }
    if (const std::optional<std::string> reply = dispatcher.handle(text, arrival)) check(*reply);
    if (!limited) continue;
    for (const std::string& call : service.calls()) fuzz::require(!oversteps(call), "callers keep to their limits");
  }
  if (auto response = control::jsonrpc::parse_response(text)) {
    fuzz::require(!response->id.empty(), "an id is never empty");
  }
  return 0;
}
