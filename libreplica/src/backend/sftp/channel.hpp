// The SFTP subsystem of an SSH connection as a stream of packets.
#pragma once

#include "backend/sftp/session.hpp"

namespace replica::backend::sftp {

// One thread at a time. After an error that is not the Call's own the connection is of no more use.
class Channel {
 public:
  static Result<std::unique_ptr<Channel>> open(const SftpBackendOptions& options, const Call& call);
  ~Channel();
  Channel(const Channel&) = delete;
  Channel& operator=(const Channel&) = delete;

  const std::string& name() const noexcept { return session_->name(); }
  Result<void> send(Bytes packet, const Call& call);
  // The next packet, without its length. `patience` counts from the last byte that came. A Call that is over leaves the
  // stream as it was: what has come of a packet is kept.
  Result<std::vector<std::byte>> receive(std::chrono::milliseconds patience, const Call& call);
  bool is_broken() const noexcept { return broken_; }
  void give_up() noexcept { broken_ = true; }
  // Whether the server is still there, as far as is known without asking it. Answers what it has sent meanwhile.
  bool is_alive();

 private:
  Channel(std::unique_ptr<Session> session, ssh_channel raw, std::chrono::milliseconds silence)
      : session_(std::move(session)), raw_(raw), silence_(silence) {}
  Result<std::size_t> length() const;  // of the packet at the front; 0 = not known yet
  Result<bool> read_some(const Call& call);

  std::unique_ptr<Session> session_;
  ssh_channel raw_;
  std::chrono::milliseconds silence_;
  std::vector<std::byte> received_, scratch_;
  bool broken_ = false;
};

}  // namespace replica::backend::sftp
