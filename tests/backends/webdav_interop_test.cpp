// What the peer writes to WebDAV we restore, and the other way round.
#include "apache.hpp"
#include "interop.hpp"

using namespace replica;
using namespace servers;

namespace {

// By basic authentication: the peer's digest names another path than it asks for, which Apache refuses.
Interop on(const Apache& apache) {
  std::shared_ptr<Backend> backend = make_webdav_backend(apache.options(true));
  return {.backend = make_retrying_backend(backend),
          .peer_replica = "      type: webdav\n      webdav-url: " + apache.url() + "\n      webdav-username: " +
                          Apache::kUser + "\n      webdav-password: " + Apache::kPassword + "\n      path: some/app\n"};
}

}  // namespace

TEST_CASE("what the peer writes to WebDAV we restore") {
  if (skipped_without(kApache) || skipped_without_peer()) return;
  const Apache apache("Basic");
  on(apache).peer_writes_we_restore();
}

TEST_CASE("what we write to WebDAV the peer restores") {
  if (skipped_without(kApache) || skipped_without_peer()) return;
  const Apache apache("Basic");
  on(apache).we_write_peer_restores();
}
