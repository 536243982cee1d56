// What the peer writes by SFTP we restore, and the other way round.
#include "interop.hpp"
#include "sshd.hpp"

using namespace replica;
using namespace servers;

namespace {

Interop on(const Sshd& sshd) {
  const auto options = sshd.options();
  // The peer takes whatever key the server prefers to show it, and then compares: RSA on OpenSSH.
  std::string key = sshd.host_key("rsa");
  key.resize(key.find_last_not_of('\n') + 1);
  const std::string address = options.host + ":" + std::to_string(options.port);
  return {.backend = make_retrying_backend(make_sftp_backend(options)),
          .peer_replica = "      type: sftp\n      host: " + address + "\n      user: " + options.user +
                          "\n      key-path: " + options.key_path + "\n      host-key: " + key +
                          "\n      path: " + options.root + "\n"};
}

}  // namespace

TEST_CASE("what the peer writes by SFTP we restore") {
  if (skipped_without(kSshd) || skipped_without_peer()) return;
  Sshd sshd;
  on(sshd).peer_writes_we_restore();
}

TEST_CASE("what we write by SFTP the peer restores") {
  if (skipped_without(kSshd) || skipped_without_peer()) return;
  Sshd sshd;
  on(sshd).we_write_peer_restores();
}
