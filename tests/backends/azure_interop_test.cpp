// What the peer writes to a blob store we restore, and the other way round.
#include "azurite.hpp"
#include "interop.hpp"

using namespace replica;
using namespace servers;

namespace {

Interop on(const Azurite& azurite) {
  const auto options = azurite.options();
  return {.backend = make_retrying_backend(azurite.backend("some/db/")),
          .peer_replica = "      type: abs\n      account-name: " + options.account +
                          "\n      account-key: " + options.account_key + "\n      bucket: " + options.container +
                          "\n      path: some/db\n      endpoint: " + options.endpoint + "\n"};
}

}  // namespace

TEST_CASE("what the peer writes to Azure we restore, with its times") {
  if (!have_azurite() || skipped_without_peer()) return;
  const Azurite azurite;
  Interop interop = on(azurite);
  interop.peer_writes_we_restore();
  const Replica replica(interop.backend, "");
  auto listed = replica.list(0, {}, {}), read = replica.list(0, {}, {}, Replica::Times::from_headers);
  REQUIRE((listed && read));
  CHECK(listed->size() >= 3);
  for (std::size_t i = 0; i < listed->size(); ++i) CHECK((*listed)[i].created_at == (*read)[i].created_at);
}

TEST_CASE("what we write to Azure the peer restores") {
  if (!have_azurite() || skipped_without_peer()) return;
  const Azurite azurite;
  on(azurite).we_write_peer_restores();
}
