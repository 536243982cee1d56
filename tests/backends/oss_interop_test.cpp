// What the peer writes to OSS we restore, and the other way round.
#include "interop.hpp"
#include "oss_server.hpp"

using namespace replica;
using namespace servers;

namespace {

Interop on(const Oss& oss) {
  const auto options = oss.options();
  return {.backend = make_retrying_backend(oss.backend("some/db/")),
          .layout = KeyLayout::hex_levels,
          .peer_replica = "      type: oss\n      access-key-id: " + options.access_key_id +
                          "\n      secret-access-key: " + options.secret_access_key + "\n      bucket: " +
                          options.bucket + "\n      path: some/db\n      endpoint: " + options.endpoint + "\n"};
}

}  // namespace

TEST_CASE("what the peer writes to OSS we restore") {
  if (skipped_without_peer()) return;
  const Oss oss;
  on(oss).peer_writes_we_restore();
}

TEST_CASE("what we write to OSS the peer restores") {
  if (skipped_without_peer()) return;
  const Oss oss;
  on(oss).we_write_peer_restores();
}
