#include <algorithm>
#include <map>
#include <optional>
#include <utility>

#include "backend/nats/bucket.hpp"
#include "backend/nats/reconnects.hpp"
#include "backend/surroundings.hpp"
#include "backend/transfer.hpp"
#include "base/text.hpp"

namespace replica {
namespace {

using namespace backend::nats;

constexpr std::size_t kAhead = 8;               // chunks that are asked for at once
constexpr std::chrono::milliseconds kStep{50};  // how long a stop may go unnoticed
constexpr std::size_t kMostHints = 4096;        // places in objects that are remembered
constexpr int kMostRaces = 1000;                // with other writers of one key

// Where in the stream bytes of an object lie: chunks are not numbered, and a read that goes on where another ended
// need not begin at the start. Chunks never change under their id, so this is not a cache of what others could change.
class Hints {
 public:
  struct Place {
    std::uint64_t offset = 0, sequence = 1;
  };
  Place before(const std::string& id, std::uint64_t offset) {
    const std::scoped_lock lock(mutex_);
    auto next = places_.upper_bound({id, offset});
    if (next == places_.begin()) return {};
    --next;
    return next->first.first == id ? Place{next->first.second, next->second} : Place{};
  }
  void remember(const std::string& id, Place place) {
    const std::scoped_lock lock(mutex_);
    if (places_.size() >= kMostHints) places_.clear();
    places_[{id, place.offset}] = place.sequence;
  }

 private:
  std::mutex mutex_;
  std::map<std::pair<std::string, std::uint64_t>, std::uint64_t> places_;  // guarded by mutex_
};

class NatsBackend final : public Backend {
 public:
  explicit NatsBackend(NatsBackendOptions options)
      : options_(std::move(options)),
        clock_(options_.clock == nullptr ? backend::system_clock() : *options_.clock),
        reconnects_(options_.max_reconnects, options_.reconnect_wait) {}

  std::string_view type() const noexcept override { return "nats"; }
  Capabilities capabilities() const noexcept override { return {.conditional_put = true, .keeps_modified_at = true}; }

  Result<ObjectInfo> put(std::string_view key, Source& body, const PutOptions& options, const Call& call) override;
  Result<std::uint64_t> get(std::string_view key, ByteRange range, Sink& out, const Call& call) override;
  Result<ObjectInfo> stat(std::string_view key, const Call& call) override;
  Result<void> list(std::string_view prefix, std::string_view after, const Visitor& visitor, const Call& call) override;
  Result<void> remove(std::string_view key, const Call& call) override;

 private:
  Result<Bucket> bucket(const Call& call);
  Result<std::shared_ptr<Connection>> connect(const Call& call);
  Result<Description> publish(const Bucket& bucket, std::string_view key, const Object& object, Description before,
                              bool if_absent, const Call& call);
  enum class Read { whole, changed };
  Result<Read> read(const Bucket& bucket, const Object& object, std::uint64_t from, std::uint64_t end, Sink& out,
                    const Call& call);

  NatsBackendOptions options_;
  const Clock& clock_;
  std::timed_mutex mutex_;
  Reconnects reconnects_;         // guarded by mutex_
  std::optional<Bucket> bucket_;  // guarded by mutex_
  Hints hints_;
  backend::Leftovers leftovers_;
};

// Not before its time. A call that was over meanwhile says nothing of the server.
Result<std::shared_ptr<Connection>> NatsBackend::connect(const Call& call) {
  if (auto early = reconnects_.too_early(clock_.steady())) return Failure(std::move(*early));
  auto connection = Connection::open(options_, call);
  if (connection) {
    reconnects_.succeeded();
  } else if (connection.error().code != Errc::invalid_argument && call.check("connect")) {
    reconnects_.failed(connection.error(), clock_.steady());
  }
  return connection;
}

// One connection for all; a lost one is replaced. Who comes while it is made waits for it.
Result<Bucket> NatsBackend::bucket(const Call& call) {
  std::unique_lock lock(mutex_, std::defer_lock);
  while (!lock.try_lock_for(kStep)) {
    if (auto going = call.check("wait for a nats connection"); !going) return pass(going);
  }
  if (bucket_ && !bucket_->connection().is_closed()) return *bucket_;
  bucket_.reset();
  auto connection = connect(call);
  if (!connection) return pass(connection);
  auto opened = Bucket::open(std::move(*connection), options_.bucket, options_.create_bucket, call);
  if (opened) bucket_ = *opened;
  return opened;
}

// In place of what is described now, whoever wrote it; the description it took the place of.
Result<Description> NatsBackend::publish(const Bucket& bucket, std::string_view key, const Object& object,
                                         Description before, bool if_absent, const Call& call) {
  for (int i = 0; i < kMostRaces; ++i) {
    if (if_absent && before.is_there()) return backend::key_exists(key);
    auto done = bucket.describe(key, object, before.sequence, call);
    if (!done) return pass(done);
    if (*done) return before;
    auto now = bucket.find(key, call);
    if (!now) return now;
    before = std::move(*now);
  }
  return fail(Errc::busy, base::concat("nats: put ", key, ": others write it all the time"));
}

Result<ObjectInfo> NatsBackend::put(std::string_view key, Source& body, const PutOptions& options, const Call& call) {
  if (auto begun = backend::begin("put", key, call); !begun) return pass(begun);
  auto bucket = this->bucket(call);
  if (!bucket) return pass(bucket);
  auto before = bucket->find(key, call);
  if (!before) return pass(before);
  if (options.if_absent && before->is_there()) return backend::key_exists(key);
  const Timestamp modified_at = options.modified_at.value_or(SystemClock().now());
  auto object = bucket->store(body, key, leftovers_, call);
  if (!object) return pass(object);
  object->modified_at = modified_at;
  auto replaced = publish(*bucket, key, *object, std::move(*before), options.if_absent, call);
  const Call grace = backend::in_any_case(call, std::chrono::seconds(5));
  if (!replaced) {
    const Errc code = replaced.error().code;
    // Then the server may have taken it all the same.
    const bool is_open = code == Errc::unavailable || code == Errc::timed_out || code == Errc::cancelled;
    if (!is_open) static_cast<void>(bucket->purge(bucket->names().chunks(object->id), grace));
    return pass(replaced);
  }
  // Nobody sees them any more; a user who may not remove leaves them.
  if (!replaced->object.id.empty()) {
    static_cast<void>(bucket->purge(bucket->names().chunks(replaced->object.id), grace));
  }
  leftovers_.clear([&](const auto& one) { return bucket->purge(one.name, grace); });
  return ObjectInfo{.key = std::string(key), .size = object->size, .modified_at = modified_at};
}

Result<NatsBackend::Read> NatsBackend::read(const Bucket& bucket, const Object& object, std::uint64_t from,
                                            std::uint64_t end, Sink& out, const Call& call) {
  Hints::Place at = hints_.before(object.id, from);
  Digest digest;
  const bool is_whole = from == 0 && end == object.size;
  while (at.offset < end) {
    const std::uint64_t left = (end - at.offset + Bucket::chunk_size() - 1) / Bucket::chunk_size();
    const auto wanted = static_cast<std::size_t>(std::clamp<std::uint64_t>(left, 1, kAhead));
    auto chunks = bucket.chunks(object.id, at.sequence, wanted, call);
    if (!chunks) return pass(chunks);
    if (chunks->empty()) return Read::changed;
    for (const Bucket::Chunk& chunk : *chunks) {
      if (at.offset >= end) break;
      const auto bytes = std::as_bytes(std::span(chunk.bytes));
      const std::uint64_t begin = std::clamp<std::uint64_t>(from, at.offset, at.offset + bytes.size()) - at.offset;
      const std::uint64_t stop = std::min<std::uint64_t>(end - at.offset, bytes.size());
      if (is_whole) digest.add(bytes);
      if (begin < stop) {
        if (auto written = out.write(bytes.subspan(begin, stop - begin)); !written) return pass(written);
      }
      // A chunk that is not used up is where the next read begins.
      if (at.offset + bytes.size() > end) hints_.remember(object.id, at);
      at = {at.offset + bytes.size(), chunk.sequence + 1};
      if (at.offset == end) hints_.remember(object.id, at);
    }
  }
  if (is_whole && !object.digest.empty() && digest.text() != object.digest) {
    return fail(Errc::corrupt, "nats: what is stored does not have the digest of the object");
  }
  return Read::whole;
}

Result<std::uint64_t> NatsBackend::get(std::string_view key, ByteRange range, Sink& out, const Call& call) {
  if (auto begun = backend::begin("get", key, call); !begun) return pass(begun);
  auto bucket = this->bucket(call);
  if (!bucket) return pass(bucket);
  std::string missing;
  for (int i = 0; i < kMostRaces; ++i) {
    auto found = bucket->find(key, call);
    if (!found) return pass(found);
    if (!found->is_there()) return backend::not_found(key);
    auto end = backend::end_of(range, found->object.size, key);
    if (!end) return pass(end);
    if (missing == found->object.id) {
      return fail(Errc::corrupt, base::concat("nats: get ", key, ": a part of the object is missing in the bucket"));
    }
    auto got = read(*bucket, found->object, range.offset, *end, out, call);
    if (!got) return pass(got);
    if (*got == Read::whole) return *end - range.offset;
    // Replaced meanwhile, most likely.
    missing = found->object.id;
    if (auto reset = out.reset(); !reset) return pass(reset);
  }
  return fail(Errc::busy, base::concat("nats: get ", key, ": others write it all the time"));
}

Result<ObjectInfo> NatsBackend::stat(std::string_view key, const Call& call) {
  if (auto begun = backend::begin("stat", key, call); !begun) return pass(begun);
  auto bucket = this->bucket(call);
  if (!bucket) return pass(bucket);
  auto found = bucket->find(key, call);
  if (!found) return pass(found);
  if (!found->is_there()) return backend::not_found(key);
  return ObjectInfo{.key = std::string(key), .size = found->object.size, .modified_at = found->modified_at()};
}

// A bucket has no order and no prefixes: all of it is read.
Result<void> NatsBackend::list(std::string_view prefix, std::string_view after, const Visitor& visitor,
                               const Call& call) {
  if (auto valid = check_prefix(prefix); !valid) return valid;
  if (auto going = call.check(base::concat("list ", prefix)); !going) return going;
  auto bucket = this->bucket(call);
  if (!bucket) return pass(bucket);
  auto all = bucket->all(call);
  if (!all) return pass(all);
  for (const auto& [key, found] : *all) {
    if (!found.is_there() || !key.starts_with(prefix) || key <= after || !check_key(key)) continue;
    if (!visitor({.key = key, .size = found.object.size, .modified_at = found.modified_at()})) break;
  }
  return {};
}

// The description goes altogether, where other clients leave one that says "deleted": for file names that never come
// again they would pile up for ever.
Result<void> NatsBackend::remove(std::string_view key, const Call& call) {
  if (auto begun = backend::begin("remove", key, call); !begun) return begun;
  auto bucket = this->bucket(call);
  if (!bucket) return pass(bucket);
  auto found = bucket->find(key, call);
  if (!found) return pass(found);
  if (found->sequence == 0 || found->object.is_link) return {};
  if (auto purged = bucket->purge(bucket->names().meta(key), call, found->sequence); !purged) return purged;
  return found->object.id.empty() ? Result<void>() : bucket->purge(bucket->names().chunks(found->object.id), call);
}

}  // namespace

std::unique_ptr<Backend> make_nats_backend(NatsBackendOptions options) {
  return std::make_unique<NatsBackend>(std::move(options));
}

}  // namespace replica
