// All descriptions of a bucket, pushed by the server one after the other.
#include <map>

#include "backend/nats/answer.hpp"
#include "backend/nats/bucket.hpp"
#include "base/text.hpp"

namespace replica::backend::nats {
namespace {

namespace json = boost::json;

// How long nothing may come before the server is asked whether that was all.
constexpr std::chrono::milliseconds kPause{200};

// Of a pushed message's reply subject: $JS.ACK.<stream>.<consumer>.<n>.<sequence>.<n>.<nanoseconds>.<pending>, since
// 2.x with domain and account before the stream and a random part at the end.
struct Position {
  std::uint64_t sequence = 0, pending = 0;
  Timestamp stored_at{};
};

std::optional<Position> position_of(const Message& message) {
  const char* reply = natsMsg_GetReply(message.get());
  std::string_view text = reply == nullptr ? "" : reply;
  std::vector<std::string> parts;
  while (!text.empty()) {
    parts.emplace_back(text.substr(0, text.find('.')));
    text.remove_prefix(std::min(text.size(), parts.back().size() + 1));
  }
  const std::size_t first = parts.size() == 9 ? 5 : 7;
  if (parts.size() < 9 || parts.size() == 10 || parts[0] != "$JS" || parts[1] != "ACK") return {};
  const auto number = [&](std::size_t i) { return std::strtoull(parts[i].c_str(), nullptr, 10); };
  return Position{number(first), number(first + 3),
                  Timestamp(std::chrono::milliseconds(number(first + 2) / 1'000'000))};
}

class Listing {
 public:
  Listing(const Connection& connection, const Names& names, const Call& call)
      : connection_(connection), names_(names), call_(call) {}

  Result<std::map<std::string, Description>> run() {
    // For a consumer only a subscription to the very subject is somebody who listens.
    auto inbox = connection_.inbox(call_, true);
    if (!inbox) return pass(inbox);
    auto pending = begin(inbox->subject);
    if (!pending) return pass(pending);
    for (bool end = *pending == 0; !end;) {
      auto message = connection_.poll(inbox->subscription.get(), kPause, names_.all_meta, call_);
      if (!message) return pass(message);
      auto is_last = *message ? take(*message) : ask();
      if (!is_last) return pass(is_last);
      end = *is_last;
    }
    finish();
    return std::move(found_);
  }

 private:
  // What is pending then.
  Result<std::uint64_t> begin(const std::string& deliver_to) {
    const json::object config{{"deliver_subject", deliver_to}, {"deliver_policy", "last_per_subject"},
                              {"ack_policy", "none"},          {"filter_subject", names_.all_meta},
                              {"replay_policy", "instant"},    {"max_deliver", 1},
                              {"mem_storage", true},           {"num_replicas", 1}};
    const json::object wanted{{"stream_name", names_.stream}, {"config", config}};
    auto message = connection_.request("$JS.API.CONSUMER.CREATE." + names_.stream, json::serialize(wanted), call_);
    if (!message) return pass(message);
    auto answer = Answer::parse(text_of(*message));
    if (!answer) return garbled(connection_, "list");
    if (answer->code != 0) return refused(connection_, "list", *answer);
    consumer_ = text_in(answer->body, "name");
    return number_in(answer->body, "num_pending") + number_in(answer->part("delivered"), "consumer_seq");
  }

  Result<bool> take(const Message& message) {
    const auto position = position_of(message);
    if (!position) return garbled(connection_, "list");
    ++received_;
    auto key = names_.key_of(natsMsg_GetSubject(message.get()));
    auto object = Object::parse(text_of(message));
    // What is no object's is not ours to judge.
    if (key && object) found_[*key] = {std::move(*object), position->sequence, position->stored_at};
    return position->pending == 0;
  }

  // Whether nothing more will come: what was pending may have been removed.
  Result<bool> ask() {
    auto message =
        connection_.request(base::concat("$JS.API.CONSUMER.INFO.", names_.stream, ".", consumer_), "", call_);
    if (!message) return pass(message);
    auto answer = Answer::parse(text_of(*message));
    if (!answer) return garbled(connection_, "list");
    if (answer->code != 0) return refused(connection_, "list", *answer);
    return number_in(answer->body, "num_pending") == 0 &&
           number_in(answer->part("delivered"), "consumer_seq") <= received_;
  }

  // The server forgets it by itself too, when nobody listens.
  void finish() const {
    static_cast<void>(
        connection_.request(base::concat("$JS.API.CONSUMER.DELETE.", names_.stream, ".", consumer_), "", call_));
  }

  const Connection& connection_;
  const Names& names_;
  const Call& call_;
  std::string consumer_;
  std::uint64_t received_ = 0;
  std::map<std::string, Description> found_;
};

}  // namespace

Result<std::map<std::string, Description>> Bucket::pushed(const Call& call) const {
  return Listing(*connection_, names_, call).run();
}

}  // namespace replica::backend::nats
