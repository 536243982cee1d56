#include "backend/nats/answer.hpp"

#include "base/text.hpp"

namespace replica::backend::nats {
namespace {

namespace json = boost::json;

// The server's err_code (its errors.json).
constexpr std::int64_t kStorageFull = 10047, kNoResources = 10023, kStreamFailed = 10077, kNoJetStream = 10039;

// Limits of a bucket have no code of their own.
bool is_full(const Answer& answer) {
  if (answer.code == kStreamFailed) return answer.description.starts_with("maximum");
  return answer.code == kStorageFull || answer.code == kNoResources;
}

}  // namespace

const json::object& Answer::part(std::string_view name) const { return object_in(body, name); }

std::optional<Answer> Answer::parse(std::string_view text) {
  auto parsed = parse_object(text);
  if (!parsed) return {};
  Answer answer;
  answer.body = std::move(*parsed);
  if (!answer.body.contains("error")) return answer;
  const json::object& told = answer.part("error");
  const std::uint64_t code = number_in(told, "err_code");
  answer.code = code == 0 ? -1 : static_cast<std::int64_t>(code);
  answer.description = text_in(told, "description");
  return answer;
}

Failure garbled(const Connection& connection, std::string_view what) {
  return fail(Errc::unavailable, base::concat("nats ", connection.name(), ": ", what, ": the answer makes no sense"));
}

Failure refused(const Connection& connection, std::string_view what, const Answer& answer) {
  const auto failed = [&](Errc code, std::string_view hint) {
    return fail(code, base::concat("nats ", connection.name(), ": ", what, ": ", answer.description),
                std::string(hint));
  };
  if (answer.code == kNoStream) {
    return failed(Errc::invalid_argument, "there is no such bucket; make it with: nats object add BUCKET");
  }
  if (answer.code == kNoJetStream) {
    return failed(Errc::invalid_argument, "JetStream must be enabled for the account");
  }
  if (is_full(answer)) return failed(Errc::no_space, "make room on the server or raise the limit of the bucket");
  return failed(Errc::io, {});
}

}  // namespace replica::backend::nats
