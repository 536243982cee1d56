// The bytes of objects: chunks in, chunks out.
#include <map>

#include "backend/nats/answer.hpp"
#include "backend/nats/bucket.hpp"
#include "backend/surroundings.hpp"
#include "backend/transfer.hpp"
#include "base/text.hpp"

namespace replica::backend::nats {
namespace {

namespace json = boost::json;

constexpr std::size_t kChunk = std::size_t{128} * 1024;  // what other clients take too
constexpr std::size_t kUnderWay = 16;                    // chunks that are sent and not yet acknowledged

// Cuts a body into chunks and sends them, each acknowledged by the server.
class Chunks final : public Writer {
 public:
  Chunks(const Connection& connection, const std::string& subject, std::string_view key, const Call& call)
      : connection_(connection), subject_(subject), key_(key), call_(call) {}

  Result<void> begin() {
    auto inbox = connection_.inbox(call_, false);
    if (!inbox) return pass(inbox);
    inbox_ = std::move(inbox->subject);
    answers_ = std::move(inbox->subscription);
    return {};
  }

  Result<void> write(Bytes data) override {
    while (!data.empty()) {
      const Bytes part = data.first(std::min(data.size(), kChunk - chunk_.size()));
      chunk_.insert(chunk_.end(), part.begin(), part.end());
      data = data.subspan(part.size());
      if (chunk_.size() < kChunk) continue;
      if (auto sent = send(); !sent) return sent;
    }
    return {};
  }

  Result<void> finish(Object& object) {
    if (!chunk_.empty()) {
      if (auto sent = send(); !sent) return sent;
    }
    while (acknowledged_ < sent_) {
      if (auto answered = wait(); !answered) return answered;
    }
    object.chunks = sent_;
    object.size = size_;
    object.digest = digest_.text();
    return {};
  }

 private:
  Result<void> send() {
    digest_.add(chunk_);
    size_ += chunk_.size();
    if (auto sent = connection_.publish(subject_, base::concat(inbox_, ++sent_), chunk_, call_); !sent) return sent;
    chunk_.clear();
    return sent_ - acknowledged_ < kUnderWay ? Result<void>() : wait();
  }

  // One acknowledgement. Whose it is does not matter: all must be good.
  Result<void> wait() {
    auto message = connection_.next(answers_.get(), subject_, call_);
    if (!message) return pass(message);
    ++acknowledged_;
    auto answer = Answer::parse(text_of(*message));
    if (!answer) return garbled(connection_, "put");
    return answer->code == 0 ? Result<void>() : refused(connection_, base::concat("put ", key_), *answer);
  }

  const Connection& connection_;
  const std::string& subject_;
  std::string_view key_;
  const Call& call_;
  std::string inbox_;
  Connection::Subscription answers_;
  std::vector<std::byte> chunk_;
  Digest digest_;
  std::uint64_t sent_ = 0, acknowledged_ = 0, size_ = 0;
};

}  // namespace

std::size_t Bucket::chunk_size() noexcept { return kChunk; }

Result<Object> Bucket::store(Source& body, std::string_view key, Leftovers& leftovers, const Call& call) const {
  Object object;
  object.id = new_id();
  const std::string subject = names_.chunks(object.id);
  Chunks chunks(*connection_, subject, key, call);
  Result<void> stored = chunks.begin();
  if (stored) stored = copy_body(body, chunks, key, call);
  if (stored) stored = chunks.finish(object);
  if (stored) return object;
  const bool purged = !connection_->is_closed() && purge(subject, in_any_case(call, std::chrono::seconds(5)));
  if (!purged) leftovers.add({.name = subject});
  return pass(stored);
}

// None = there is no such message.
Result<Bucket::Chunk> Bucket::chunk_of(const Message& message) const {
  const auto nonsense = [&] { return garbled(*connection_, "read"); };
  if (is_direct_) {
    if (header_of(message, "Status") == "404") return Chunk();
    const std::string sequence = header_of(message, "Nats-Sequence");
    if (sequence.empty()) return nonsense();
    return Chunk{std::strtoull(sequence.c_str(), nullptr, 10), std::string(text_of(message))};
  }
  auto answer = Answer::parse(text_of(message));
  if (!answer) return nonsense();
  if (answer->code == kNoMessage) return Chunk();
  if (answer->code != 0) return refused(*connection_, "read", *answer);
  auto data = decode_base64(text_in(answer->part("message"), "data"));
  if (!data) return nonsense();
  return Chunk{number_in(answer->part("message"), "seq"), std::move(*data)};
}

Result<std::vector<Bucket::Chunk>> Bucket::chunks(const std::string& id, std::uint64_t from, std::size_t wanted,
                                                  const Call& call) const {
  const std::string subject = (is_direct_ ? "$JS.API.DIRECT.GET." : "$JS.API.STREAM.MSG.GET.") + names_.stream;
  auto inbox = connection_->inbox(call, false);
  if (!inbox) return pass(inbox);
  for (std::size_t i = 0; i < wanted; ++i) {
    const std::string body = json::serialize(json::object{{"seq", from + i}, {"next_by_subj", names_.chunks(id)}});
    const auto data = std::as_bytes(std::span(body));
    if (auto sent = connection_->publish(subject, base::concat(inbox->subject, i), data, call); !sent)
      return pass(sent);
  }
  std::map<std::uint64_t, Chunk> found;
  for (std::size_t i = 0; i < wanted; ++i) {
    auto message = connection_->next(inbox->subscription.get(), subject, call);
    if (!message) return pass(message);
    auto chunk = chunk_of(*message);
    if (!chunk) return pass(chunk);
    if (chunk->sequence != 0) found.emplace(chunk->sequence, std::move(*chunk));
  }
  // The first is the next after `from`. One that follows is certainly the next only when nothing lies between.
  std::vector<Chunk> next;
  for (auto& [sequence, chunk] : found) {
    if (!next.empty() && sequence != next.back().sequence + 1) break;
    next.push_back(std::move(chunk));
  }
  return next;
}

}  // namespace replica::backend::nats
