#include <deque>
#include <utility>

#include "backend/file_layout.hpp"
#include "backend/sftp/transfers.hpp"
#include "backend/surroundings.hpp"
#include "backend/transfer.hpp"
#include "base/text.hpp"

namespace replica::backend::sftp {
namespace {

// Bytes that are sent and not yet answered: what a line of 1 Gbit/s and 16 ms holds.
constexpr std::size_t kUnderWay = std::size_t{2} << 20;

std::uint32_t seconds_of(Timestamp time) {
  const auto count = std::chrono::floor<std::chrono::seconds>(time).time_since_epoch().count();
  return static_cast<std::uint32_t>(std::clamp<std::int64_t>(count, 0, 0xffffffff));
}

// Writes blocks one after the other into an open file, without waiting for each.
class Blocks final : public Writer {
 public:
  Blocks(Client& client, const std::string& handle, bool concurrent, std::string_view what, const Call& call)
      : client_(client), handle_(handle), concurrent_(concurrent), what_(what), call_(call) {}
  ~Blocks() override {
    for (const Block& left : under_way_) client_.forget(left.ticket);
  }

  Result<void> write(Bytes data) override {
    while (!data.empty()) {
      const Bytes block = data.first(std::min(data.size(), client_.extensions().longest_write));
      Packet request = client_.packet(Type::write);
      request.text(handle_).u64(offset_).bytes(block);
      auto ticket = client_.send(std::move(request), call_);
      if (!ticket) return pass(ticket);
      under_way_.push_back({*ticket, block.size()});
      waiting_ += block.size();
      offset_ += block.size();
      data = data.subspan(block.size());
      if (auto settled = settle(concurrent_ ? kUnderWay : 0); !settled) return settled;
    }
    return {};
  }
  // Until at most so many bytes are not answered.
  Result<void> settle(std::size_t allowed) {
    while (waiting_ > allowed) {
      const Block first = under_way_.front();
      under_way_.pop_front();
      waiting_ -= first.size;
      if (auto done = client_.done(first.ticket, what_, call_); !done) return done;
    }
    return {};
  }

 private:
  struct Block {
    Client::Ticket ticket;
    std::size_t size;
  };
  Client& client_;
  const std::string& handle_;
  bool concurrent_;
  std::string_view what_;
  const Call& call_;
  std::deque<Block> under_way_;
  std::size_t waiting_ = 0;
  std::uint64_t offset_ = 0;
};

}  // namespace

Result<std::string> Upload::create(const std::string& folder, std::string& temp) {
  for (bool again = false;; again = true) {
    if (auto settled = folders.settle(client, folder, call); !settled) return pass(settled);
    temp = unfinished_name(folder);
    auto opened = client.open(temp, kWrite | kCreate | kExclusive, call);
    if (opened || opened.error().code != Errc::not_found || again) return opened;
    folders.forget();  // a folder we knew has been removed since
  }
}

Result<void> Upload::fill(const std::string& handle, Source& body) {
  const std::string what = base::concat("put ", key);
  Blocks blocks(client, handle, concurrent_writes, what, call);
  if (auto copied = copy_body(body, blocks, key, call); !copied) return copied;
  return blocks.settle(0);
}

// Times, sync and close in one go.
Result<void> Upload::finish(const std::string& handle, std::uint64_t size) {
  Packet times = client.packet(Type::fsetstat);
  times.text(handle).attributes({.accessed = seconds_of(SystemClock().now()), .modified = seconds_of(modified_at)});
  auto timed = client.send(std::move(times), call);
  if (!timed) return pass(timed);
  client.forget(*timed);  // a server that keeps no times is not an error
  const std::string what = base::concat("sync ", key);
  Result<void> synced;
  if (client.extensions().fsync) {
    Packet sync = client.extension("fsync@openssh.com");
    sync.text(handle);
    auto ticket = client.send(std::move(sync), call);
    if (!ticket) return pass(ticket);
    synced = client.done(*ticket, what, call, size);
  }
  if (!synced) return synced;
  Packet close = client.packet(Type::close);
  close.text(handle);
  auto ticket = client.send(std::move(close), call);
  // Some servers write only now.
  return ticket ? client.done(*ticket, what, call, size) : pass(ticket);
}

Result<void> Upload::replace(const std::string& temp) {
  const std::string what = base::concat("rename to ", path);
  Packet rename =
      client.extensions().posix_rename ? client.extension("posix-rename@openssh.com") : client.packet(Type::rename);
  rename.text(temp).text(path);
  auto renamed = client.ask(std::move(rename), what, call);
  if (renamed || client.is_broken()) return renamed;
  auto there = client.stat(path, call);
  if (!there) return renamed;
  if (there->is_directory()) {
    return fail(Errc::invalid_argument, base::concat("sftp: ", path, " is a directory"),
                "an object cannot have the name of another object's folder");
  }
  if (client.extensions().posix_rename) return renamed;
  // Version 3 has no way to replace a file in one step.
  if (auto removed = client.remove(path, call); !removed && removed.error().code != Errc::not_found) return removed;
  Packet again = client.packet(Type::rename);
  again.text(temp).text(path);
  return client.ask(std::move(again), what, call);
}

// A hard link is refused by the file system when the name is taken: of several at once one wins.
Result<void> Upload::link(const std::string& temp) {
  Packet request = client.extension("hardlink@openssh.com");
  request.text(temp).text(path);
  auto linked = client.ask(std::move(request), base::concat("link ", path), call);
  if (!linked && !client.is_broken() && client.stat(path, call)) return key_exists(key);
  return linked;
}

Result<void> Upload::publish(const std::string& temp) {
  const std::string folder = io::parent_of(path);
  if (auto named = if_absent ? link(temp) : replace(temp); !named) return named;
  if (if_absent) discard(temp);
  return client.sync_directory(folder, call);
}

// The Call may be over, which is no reason to leave it behind.
void Upload::discard(const std::string& temp) {
  if (client.is_broken()) return;  // removed a day later, see Folders
  static_cast<void>(client.remove(temp, in_any_case(call, std::chrono::seconds(5))));
}

// Servers say "failure" for a full disk too.
Error Upload::explain(Error error, const std::string& folder, std::uint64_t size) {
  if (error.code != Errc::io || client.is_broken()) return error;
  auto left = client.free_space(folder, call);
  if (!left || *left > size) return error;
  return {Errc::no_space, std::move(error.message) + ", and has only " + std::to_string(*left) + " bytes left",
          "make room on the server"};
}

Result<void> Upload::run(Source& body) {
  const std::string folder = io::parent_of(path);
  const std::uint64_t size = body.size();
  // Spares sending the body; what decides is the link.
  if (if_absent && client.stat(path, call)) return key_exists(key);
  std::string temp;
  auto handle = create(folder, temp);
  if (!handle) return Failure(explain(std::move(handle.error()), folder, size));
  Result<void> stored = fill(*handle, body);
  if (stored) stored = finish(*handle, size);
  if (stored) stored = publish(temp);
  if (stored) return {};
  if (!client.is_broken()) client.close(*handle, call);
  discard(temp);
  return Failure(explain(std::move(stored.error()), folder, size));
}

}  // namespace replica::backend::sftp
