// What the peer writes to Google Cloud Storage we restore, and the other way round.
#include "interop.hpp"
#include "replica/backends/gcs.hpp"
#include "replica/gcs_fixture.hpp"

using namespace replica;
using namespace servers;

namespace {

// The peer knows no other way to another server than this variable.
Interop on(const gcs_fixture::Store& store) {
  ::setenv("STORAGE_EMULATOR_HOST", store.endpoint().substr(7).c_str(), 1);
  auto options = store.options();
  options.prefix = "some/app/";
  std::shared_ptr<Backend> backend = make_gcs_backend(options);
  return {.backend = make_retrying_backend(backend), .peer_replica = "      url: gs://bucket/some/app\n"};
}

}  // namespace

TEST_CASE("what the peer writes to Google Cloud Storage we restore, with its times") {
  if (!gcs_fixture::installed() || skipped_without_peer()) return;
  const gcs_fixture::Store store;
  Interop interop = on(store);
  interop.peer_writes_we_restore();
  const Replica replica(interop.backend, "");
  auto listed = replica.list(0, {}, {}), read = replica.list(0, {}, {}, Replica::Times::from_headers);
  REQUIRE((listed && read));
  for (std::size_t i = 0; i < listed->size(); ++i) CHECK((*listed)[i].created_at == (*read)[i].created_at);
}

TEST_CASE("what we write to Google Cloud Storage the peer restores") {
  if (!gcs_fixture::installed() || skipped_without_peer()) return;
  const gcs_fixture::Store store;
  on(store).we_write_peer_restores();
}
