// What the peer writes to NATS we restore, and the other way round.
#include "interop.hpp"
#include "nats_server.hpp"

using namespace replica;
using namespace servers;

namespace {

Interop on(const Nats& nats) {
  const auto options = nats.options();
  std::shared_ptr<Backend> backend = make_nats_backend(options);
  // The peer does not make buckets.
  REQUIRE(error_of(backend->list("", "", [](const ObjectInfo&) { return true; }, {})) == "none");
  return {.backend = make_retrying_backend(backend),
          .peer_replica = "      url: " + options.url + "/" + options.bucket + "\n"};
}

}  // namespace

TEST_CASE("what the peer writes to NATS we restore, with its times") {
  if (skipped_without(kNats) || skipped_without_peer()) return;
  Nats nats;
  Interop interop = on(nats);
  interop.peer_writes_we_restore();
  const Replica replica(interop.backend, "");
  auto listed = replica.list(0, {}, {}), read = replica.list(0, {}, {}, Replica::Times::from_headers);
  REQUIRE((listed && read));
  for (std::size_t i = 0; i < listed->size(); ++i) CHECK((*listed)[i].created_at == (*read)[i].created_at);
}

TEST_CASE("what we write to NATS the peer restores") {
  if (skipped_without(kNats) || skipped_without_peer()) return;
  Nats nats;
  on(nats).we_write_peer_restores();
}
