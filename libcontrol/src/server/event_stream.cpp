#include "server/event_stream.hpp"

#include <boost/json/serialize.hpp>

#include "control/jsonrpc.hpp"
#include "methods/events_doc.hpp"

namespace control {
namespace {

namespace json = boost::json;

// Events in one write: enough to be quick, few enough to keep a slow reader's buffer small.
constexpr std::size_t kBatch = 128;

std::string line(std::string_view method, json::object params) {
  return jsonrpc::print(jsonrpc::Request{.method = std::string(method), .params = std::move(params)}) + "\n";
}

}  // namespace

std::string EventStream::opening(const std::string& result) const {
  if (form_ == Form::lines) return result + "\n";
  const WatchResult subscription = source_->subscription();
  const json::object data{{"subscribed", true}, {"run", subscription.run}, {"next", subscription.next}};
  return "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nCache-Control: no-cache\r\nConnection: close\r\n\r\n"
         "event: subscribed\ndata: " +
         json::serialize(data) + "\n\n";
}

std::string EventStream::take() {
  if (finished_) return {};
  Result<std::vector<EventNotice>> events = source_->take(kBatch);
  if (!events) {
    finished_ = true;
    return print_end(events.error());
  }
  std::string out;
  for (EventNotice& event : *events) out += print(std::move(event));
  if (events->size() < kBatch && ending_) {
    finished_ = true;
    out += print_end(*ending_);
  }
  return out;
}

std::string EventStream::print(EventNotice event) const {
  if (form_ == Form::lines) return line("event", encode_event(std::move(event)));
  std::string out = "id: " + std::to_string(event.seq) + "\nevent: " + event.kind + "\ndata: ";
  return out + json::serialize(encode_event(std::move(event))) + "\n\n";
}

std::string EventStream::print_end(const Error& reason) const {
  json::object params{{"reason", reason.reason}, {"message", reason.message}};
  if (!reason.hint.empty()) params["hint"] = reason.hint;
  if (form_ == Form::lines) return line("end", std::move(params));
  return "event: end\ndata: " + json::serialize(params) + "\n\n";
}

}  // namespace control
