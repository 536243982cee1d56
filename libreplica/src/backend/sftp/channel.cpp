#include "backend/sftp/channel.hpp"

#include <algorithm>

#include "base/endian.hpp"
#include "base/text.hpp"

namespace replica::backend::sftp {
namespace {

// OpenSSH sends at most 256 KiB; a length beyond this is no SFTP.
constexpr std::size_t kLongestPacket = std::size_t{1} << 20;
constexpr std::size_t kPrefix = 4;
constexpr int kMostPieces = 1000;
constexpr std::size_t kAtOnce = std::size_t{64} * 1024;

Clock::Steady now() { return std::chrono::steady_clock::now(); }

}  // namespace

Result<std::unique_ptr<Channel>> Channel::open(const SftpBackendOptions& options, const Call& call) {
  // Key exchange and PAM take their time on small machines.
  const auto until = now() + 2 * options.silence;
  auto session = Session::open(options, until, call);
  if (!session) return pass(session);
  Session& connected = **session;
  std::unique_ptr<Channel> channel(
      new Channel(std::move(*session), ::ssh_channel_new(connected.raw()), options.silence));
  if (channel->raw_ == nullptr) return connected.broken("open a channel", call);
  const auto through = [&](auto step, std::string_view what) -> Result<void> {
    auto code = connected.drive([&](ssh_session) { return step(channel->raw_); }, SSH_AGAIN, what, until, call);
    if (!code) return pass(code);
    return *code == SSH_OK ? Result<void>() : connected.broken(what, call);
  };
  if (auto r = through(::ssh_channel_open_session, "open a channel"); !r) return pass(r);
  if (auto r = through(::ssh_channel_request_sftp, "start sftp"); !r) {
    if (r.error().code == Errc::unavailable) r.error().hint = "the server must offer the subsystem sftp to this user";
    return pass(r);
  }
  return channel;
}

Channel::~Channel() {
  if (raw_ != nullptr) ::ssh_channel_free(raw_);
}

Result<void> Channel::send(Bytes packet, const Call& call) {
  auto until = now() + silence_;
  while (!packet.empty()) {
    const auto size = static_cast<std::uint32_t>(std::min(packet.size(), kAtOnce));
    const int written = ::ssh_channel_write(raw_, packet.data(), size);
    // A packet of which a part is sent must be sent to its end: the connection is given up with it.
    broken_ = broken_ || (written < 0 && written != SSH_AGAIN);
    if (broken_) return session_->broken("send", call);
    if (written > 0) {
      packet = packet.subspan(static_cast<std::size_t>(written));
      until = now() + silence_;
      continue;
    }
    if (auto waited = session_->wait("send", until, call); !waited) {
      broken_ = true;
      return waited;
    }
  }
  return {};
}

Result<std::size_t> Channel::length() const {
  if (received_.size() < kPrefix) return std::size_t{0};
  const std::size_t size = base::load_be<std::uint32_t>(received_.data());
  if (size > 0 && size <= kLongestPacket) return size;
  return fail(Errc::unavailable, base::concat("sftp ", name(), ": what the server sends is not sftp"),
              "the start-up files of the user's shell on the server must not print anything");
}

// False when there is nothing now.
Result<bool> Channel::read_some(const Call& call) {
  scratch_.resize(kAtOnce);
  const int got = ::ssh_channel_read_nonblocking(raw_, scratch_.data(), kAtOnce, 0);
  if (got > 0) {
    received_.insert(received_.end(), scratch_.begin(), scratch_.begin() + got);
    return true;
  }
  const bool open = ::ssh_channel_is_open(raw_) != 0 && ::ssh_is_connected(session_->raw()) != 0;
  if ((got == 0 || got == SSH_AGAIN) && open) return false;
  broken_ = true;
  return session_->broken("receive", call);
}

Result<std::vector<std::byte>> Channel::receive(std::chrono::milliseconds patience, const Call& call) {
  auto until = now() + patience;
  for (;;) {
    auto size = length();
    broken_ = broken_ || !size;
    if (!size) return pass(size);
    if (*size > 0 && received_.size() >= kPrefix + *size) {
      const auto end = received_.begin() + static_cast<std::ptrdiff_t>(kPrefix + *size);
      std::vector<std::byte> packet(received_.begin() + kPrefix, end);
      received_.erase(received_.begin(), end);
      return packet;
    }
    auto got = read_some(call);
    if (!got) return pass(got);
    if (*got) {
      until = now() + patience;
      continue;
    }
    if (auto waited = session_->wait("receive", until, call); !waited) {
      broken_ = broken_ || now() >= until;
      return pass(waited);
    }
  }
}

bool Channel::is_alive() {
  // One pass of libssh takes one piece: the end of the connection may be behind others.
  for (int pass = 0; pass < kMostPieces && !broken_; ++pass) {
    const bool more = session_->is_readable();
    const int waiting = ::ssh_channel_poll_timeout(raw_, 0, 0);
    broken_ = (waiting < 0 && waiting != SSH_AGAIN) || ::ssh_channel_is_open(raw_) == 0 ||
              ::ssh_is_connected(session_->raw()) == 0;
    if (!more) return !broken_;
  }
  broken_ = true;
  return false;
}

}  // namespace replica::backend::sftp
