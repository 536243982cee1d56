// What an object store bucket is made of: one message that describes each object, and messages with its bytes, all in
// one stream (ADR-20).
#pragma once

#include <map>

#include "backend/leftovers.hpp"
#include "backend/nats/connection.hpp"
#include "backend/nats/object.hpp"

namespace replica::backend::nats {

// What the server says about the stream.
struct Description {
  Object object;
  std::uint64_t sequence = 0;  // of the description; 0 = there is none
  Timestamp stored_at{};

  bool is_there() const noexcept { return sequence != 0 && !object.deleted && !object.is_link; }
  Timestamp modified_at() const { return object.modified_at.value_or(stored_at); }
};

class Bucket {
 public:
  // The stream must be there, or is made when `create`.
  static Result<Bucket> open(std::shared_ptr<Connection> connection, const std::string& name, bool create,
                             const Call& call);

  const Names& names() const noexcept { return names_; }
  const Connection& connection() const noexcept { return *connection_; }
  Result<Description> find(std::string_view key, const Call& call) const;
  // Takes the place of the description with that sequence (0 = none); false when another is there.
  Result<bool> describe(std::string_view key, const Object& object, std::uint64_t instead_of, const Call& call) const;
  // All messages of a subject, or those up to the sequence `last`.
  Result<void> purge(const std::string& subject, const Call& call, std::uint64_t last = 0) const;
  // By key. Also those of removed objects, which other clients leave.
  Result<std::map<std::string, Description>> all(const Call& call) const;

  // Stores the body under a new id; nobody sees it before it is described. On failure what was stored is removed, now
  // or with the leftovers, which are subjects.
  Result<Object> store(Source& body, std::string_view key, Leftovers& leftovers, const Call& call) const;
  static std::size_t chunk_size() noexcept;

  struct Chunk {
    std::uint64_t sequence = 0;
    std::string bytes;
  };
  // Chunks of an object from a sequence on, several asked for at once; fewer than wanted when others lie between or
  // they end. None at all when there are no more.
  Result<std::vector<Chunk>> chunks(const std::string& id, std::uint64_t from, std::size_t wanted,
                                    const Call& call) const;

 private:
  Bucket(std::shared_ptr<Connection> connection, const std::string& name)
      : connection_(std::move(connection)), names_(name) {}
  Result<void> check(bool create, const Call& call);
  Result<std::vector<std::string>> keys(const Call& call) const;
  Result<std::map<std::string, Description>> pushed(const Call& call) const;
  Result<Chunk> chunk_of(const Message& message) const;

  std::shared_ptr<Connection> connection_;
  Names names_;
  bool is_direct_ = true;  // any server of the stream answers, with the bytes as they are; else the leader, in JSON
};

}  // namespace replica::backend::nats
