// An SSH connection: connected, its host checked, logged in. Only these files know libssh. It never blocks in libssh:
// each step is repeated until it is through, and the waits in between are ours, so that a Call can end them.
#pragma once

#include <libssh/libssh.h>

#include <memory>

#include "io/socket.hpp"
#include "replica/backends/sftp.hpp"

namespace replica::backend::sftp {

// One thread at a time.
class Session {
 public:
  // Until `until`, which is what a silent server gets for the whole of it.
  static Result<std::unique_ptr<Session>> open(const SftpBackendOptions& options, Clock::Steady until,
                                               const Call& call);
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  ssh_session raw() const noexcept { return raw_; }
  const std::string& name() const noexcept { return name_; }  // "user@host:port"

  // Repeats a step for as long as it answers `again`; what it answers then.
  template <class Step>
  Result<int> drive(const Step& step, int again, std::string_view what, Clock::Steady until, const Call& call) {
    for (;;) {
      const int code = step(raw_);
      if (code != again) return code;
      if (auto waited = wait(what, until, call); !waited) return pass(waited);
    }
  }
  // Until the server sends something or takes more; timed_out from `until` on.
  Result<void> wait(std::string_view what, Clock::Steady until, const Call& call) const;
  bool is_readable() const;  // something has come, or the end of the connection
  // Why libssh could not: `unavailable` with its own words, unless the Call is over.
  Failure broken(std::string_view what, const Call& call) const;

 private:
  Session(io::Socket socket, ssh_session raw, std::string name)
      : socket_(std::move(socket)), raw_(raw), name_(std::move(name)) {}
  Result<void> exchange_keys(Clock::Steady until, const Call& call);

  io::Socket socket_;
  ssh_session raw_;
  std::string name_;
};

// Before the key exchange: which kinds of key the server may show.
Result<void> prefer_host_key(ssh_session raw, const SftpBackendOptions& options);
// After it: permission_denied unless the key it showed is the one we know.
Result<void> check_host_key(const Session& session, const SftpBackendOptions& options);
// permission_denied when the server takes nothing that we have.
Result<void> log_in(Session& session, const SftpBackendOptions& options, Clock::Steady until, const Call& call);

}  // namespace replica::backend::sftp
