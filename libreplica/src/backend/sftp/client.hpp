// Requests of SFTP and their answers. Requests may be sent without waiting for the answers of those before: a server
// carries them out in order where they concern the same file, and answers each by its number.
#pragma once

#include <map>
#include <set>

#include "backend/sftp/channel.hpp"
#include "backend/sftp/wire.hpp"

namespace replica::backend::sftp {

// What the server offers beyond version 3.
struct Extensions {
  bool posix_rename = false, hardlink = false, fsync = false, statvfs = false;
  std::size_t longest_read = 32'768, longest_write = 32'768;  // what every server takes (draft §3)
};

struct Entry {
  std::string name;
  Attributes attributes;
};

// One thread at a time. The server's refusals are values: not_found, permission_denied, no_space, unsupported,
// invalid_argument, and io for its unspecific "failure". `unavailable` and `timed_out` are of the connection.
class Client {
 public:
  static Result<std::unique_ptr<Client>> connect(const SftpBackendOptions& options, const Call& call);

  const Extensions& extensions() const noexcept { return extensions_; }
  bool is_broken() const noexcept { return channel_->is_broken(); }
  bool is_alive() { return channel_->is_alive(); }

  using Ticket = std::uint32_t;
  Packet packet(Type type) { return {type, ++last_}; }
  Packet extension(std::string_view name);
  Result<Ticket> send(Packet packet, const Call& call);  // the one made last
  // An answer nobody waits for is thrown away when it comes.
  void forget(Ticket ticket);
  // `bytes`: how much the server has to bring to its disk first, which may take it longer than `silence`.
  Result<void> done(Ticket ticket, std::string_view what, const Call& call, std::uint64_t bytes = 0);
  Result<std::string> handle(Ticket ticket, std::string_view what, const Call& call);
  Result<std::vector<std::byte>> data(Ticket ticket, std::string_view what, const Call& call);  // empty = end of file
  Result<Attributes> attributes(Ticket ticket, std::string_view what, const Call& call);
  Result<std::vector<Entry>> entries(Ticket ticket, std::string_view what, const Call& call);  // empty = no more

  // The same, sent and waited for.
  Result<void> ask(Packet packet, std::string_view what, const Call& call);
  Result<std::string> open(std::string_view path, std::uint32_t flags, const Call& call);  // new files: mode 0600
  void close(const std::string& handle, const Call& call);                                 // without waiting
  Result<Attributes> stat(std::string_view path, const Call& call);
  Result<std::string> real_path(std::string_view path, const Call& call);
  Result<void> remove(std::string_view path, const Call& call);
  Result<void> make_directory(std::string_view path, const Call& call);  // 0755, less the server's umask
  Result<void> remove_directory(std::string_view path, const Call& call);
  // A server that cannot sync directories is not an error.
  Result<void> sync_directory(std::string_view path, const Call& call);
  Result<std::uint64_t> free_space(std::string_view path, const Call& call);
  Result<std::vector<Entry>> read_directory(std::string_view path, const Call& call);

 private:
  struct Answer {
    Type type{};
    std::vector<std::byte> packet;
    Cursor cursor() const { return Cursor(Bytes(packet).subspan(5)); }
  };
  Client(std::unique_ptr<Channel> channel, std::chrono::milliseconds silence)
      : channel_(std::move(channel)), silence_(silence) {}
  Result<void> greet(const Call& call);
  Result<void> learn_limits(const Call& call);
  Result<Answer> answer(Ticket ticket, const Call& call, std::uint64_t bytes = 0);
  // The answer when it is of that type; else what the status says.
  Result<Answer> expect(Ticket ticket, Type type, std::string_view what, const Call& call, std::uint64_t bytes = 0);
  Failure garbled(std::string_view what);  // and no more of this connection

  std::unique_ptr<Channel> channel_;
  std::chrono::milliseconds silence_;
  Extensions extensions_;
  Ticket last_ = 0;
  std::map<Ticket, Answer> early_;  // came before somebody asked
  std::set<Ticket> forgotten_;
};

}  // namespace replica::backend::sftp
