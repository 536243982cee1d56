#include "backend/sftp/session.hpp"

#include <algorithm>

#include "base/text.hpp"

namespace replica::backend::sftp {
namespace {

// A guard against what libssh has read already and still holds: its steps are repeated that often in any case.
constexpr std::chrono::milliseconds kLongestPoll{100};

struct FreeSession {
  void operator()(ssh_session raw) const { ::ssh_free(raw); }
};
using Owned = std::unique_ptr<ssh_session_struct, FreeSession>;

Result<void> set(ssh_session raw, ssh_options_e option, const void* value, std::string_view what) {
  if (::ssh_options_set(raw, option, value) == SSH_OK) return {};
  return fail(Errc::invalid_argument, base::concat("sftp: ", what, " cannot be used: ", ::ssh_get_error(raw)));
}

Result<void> configure(ssh_session raw, const SftpBackendOptions& options) {
  const bool off = false;
  const long port = options.port;
  const int on = 1;
  // Not the user's ssh_config: what is not in our configuration does not count.
  if (auto r = set(raw, SSH_OPTIONS_PROCESS_CONFIG, &off, "process_config"); !r) return r;
  if (auto r = set(raw, SSH_OPTIONS_HOST, options.host.c_str(), "host"); !r) return r;
  if (auto r = set(raw, SSH_OPTIONS_PORT, &port, "port"); !r) return r;
  if (auto r = set(raw, SSH_OPTIONS_NODELAY, &on, "nodelay"); !r) return r;
  if (!options.user.empty()) {
    if (auto r = set(raw, SSH_OPTIONS_USER, options.user.c_str(), "user"); !r) return r;
  }
  if (!options.known_hosts.empty()) {
    if (auto r = set(raw, SSH_OPTIONS_KNOWNHOSTS, options.known_hosts.c_str(), "known_hosts"); !r) return r;
    if (auto r = set(raw, SSH_OPTIONS_GLOBAL_KNOWNHOSTS, options.known_hosts.c_str(), "known_hosts"); !r) return r;
  }
  if (!options.agent.empty()) {
    if (auto r = set(raw, SSH_OPTIONS_IDENTITY_AGENT, options.agent.c_str(), "agent"); !r) return r;
  }
  return prefer_host_key(raw, options);
}

}  // namespace

Result<std::unique_ptr<Session>> Session::open(const SftpBackendOptions& options, Clock::Steady until,
                                               const Call& call) {
  Owned owned(::ssh_new());
  if (!owned) return fail(Errc::io, "sftp: libssh does not start");
  if (auto configured = configure(owned.get(), options); !configured) return pass(configured);
  auto socket = io::Socket::connect(options.host, options.port, until, call);
  if (!socket) return pass(socket);
  auto copy = socket->duplicate();
  if (!copy) return pass(copy);
  socket_t given = *copy;
  if (auto r = set(owned.get(), SSH_OPTIONS_FD, &given, "socket"); !r) return pass(r);
  ::ssh_set_blocking(owned.get(), 0);
  auto name = base::concat(options.user, options.user.empty() ? "" : "@", options.host, ":", options.port);
  std::unique_ptr<Session> session(new Session(std::move(*socket), owned.release(), std::move(name)));
  if (auto r = session->exchange_keys(until, call); !r) return pass(r);
  if (auto r = check_host_key(*session, options); !r) return pass(r);
  if (auto r = log_in(*session, options, until, call); !r) return pass(r);
  return session;
}

Session::~Session() {
  ::ssh_disconnect(raw_);
  ::ssh_free(raw_);
}

Result<void> Session::exchange_keys(Clock::Steady until, const Call& call) {
  auto code = drive(::ssh_connect, SSH_AGAIN, "connect", until, call);
  if (!code) return pass(code);
  return *code == SSH_OK ? Result<void>() : broken("connect", call);
}

Result<void> Session::wait(std::string_view what, Clock::Steady until, const Call& call) const {
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - std::chrono::steady_clock::now());
  if (left.count() <= 0) {
    return fail(Errc::timed_out, base::concat("sftp ", name_, ": ", what, ": the server is silent"),
                "check the network between here and the server");
  }
  const bool writing = (::ssh_get_poll_flags(raw_) & SSH_WRITE_PENDING) != 0;
  auto waited = socket_.wait(writing, std::min(left, kLongestPoll), call, what);
  return waited ? Result<void>() : pass(waited);
}

bool Session::is_readable() const {
  auto waited = socket_.wait(false, std::chrono::milliseconds(0), {}, "look");
  return !waited || *waited;
}

Failure Session::broken(std::string_view what, const Call& call) const {
  if (auto going = call.check(what); !going) return pass(going);
  const std::string_view why = ::ssh_get_error(raw_);
  return fail(Errc::unavailable,
              base::concat("sftp ", name_, ": ", what, ": ", why.empty() ? "the connection is lost" : why));
}

}  // namespace replica::backend::sftp
