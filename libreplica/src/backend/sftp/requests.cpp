// Client's requests that are waited for at once.
#include <deque>

#include "backend/sftp/client.hpp"
#include "backend/surroundings.hpp"
#include "base/text.hpp"

namespace replica::backend::sftp {
namespace {

constexpr std::uint32_t kFileMode = 0600, kDirectoryMode = 0755;
constexpr int kReadsAhead = 4;  // of a directory

}  // namespace

Result<void> Client::ask(Packet packet, std::string_view what, const Call& call) {
  auto ticket = send(std::move(packet), call);
  return ticket ? done(*ticket, what, call) : pass(ticket);
}

Result<std::string> Client::open(std::string_view path, std::uint32_t flags, const Call& call) {
  Packet request = packet(Type::open);
  request.text(path).u32(flags);
  request.attributes((flags & kCreate) != 0 ? Attributes{.permissions = kFileMode} : Attributes{});
  auto ticket = send(std::move(request), call);
  return ticket ? handle(*ticket, base::concat("open ", path), call) : pass(ticket);
}

void Client::close(const std::string& handle, const Call& call) {
  Packet request = packet(Type::close);
  request.text(handle);
  // What is over for the caller must not keep the server's handle open.
  if (auto ticket = send(std::move(request), in_any_case(call, std::chrono::seconds(2))); ticket) forget(*ticket);
}

Result<Attributes> Client::stat(std::string_view path, const Call& call) {
  Packet request = packet(Type::stat);
  request.text(path);
  auto ticket = send(std::move(request), call);
  return ticket ? attributes(*ticket, base::concat("stat ", path), call) : pass(ticket);
}

Result<std::string> Client::real_path(std::string_view path, const Call& call) {
  Packet request = packet(Type::realpath);
  request.text(path);
  auto ticket = send(std::move(request), call);
  if (!ticket) return pass(ticket);
  auto found = entries(*ticket, base::concat("resolve ", path), call);
  if (!found) return pass(found);
  return found->empty() ? Result<std::string>(garbled("resolve")) : std::move(found->front().name);
}

Result<void> Client::remove(std::string_view path, const Call& call) {
  Packet request = packet(Type::remove);
  request.text(path);
  return ask(std::move(request), base::concat("remove ", path), call);
}

Result<void> Client::make_directory(std::string_view path, const Call& call) {
  Packet request = packet(Type::mkdir);
  request.text(path).attributes({.permissions = kDirectoryMode});
  return ask(std::move(request), base::concat("make directory ", path), call);
}

Result<void> Client::remove_directory(std::string_view path, const Call& call) {
  Packet request = packet(Type::rmdir);
  request.text(path);
  return ask(std::move(request), base::concat("remove directory ", path), call);
}

Result<void> Client::sync_directory(std::string_view path, const Call& call) {
  if (!extensions_.fsync) return {};
  auto opened = open(path, kRead, call);
  if (!opened) return is_broken() || !call.check("sync") ? Result<void>(pass(opened)) : Result<void>();
  Packet request = extension("fsync@openssh.com");
  request.text(*opened);
  auto synced = ask(std::move(request), base::concat("sync ", path), call);
  close(*opened, call);
  if (!synced && synced.error().code == Errc::unsupported) return {};
  return synced;
}

Result<std::uint64_t> Client::free_space(std::string_view path, const Call& call) {
  if (!extensions_.statvfs) return fail(Errc::unsupported, "the server does not tell its free space");
  Packet request = extension("statvfs@openssh.com");
  request.text(path);
  auto ticket = send(std::move(request), call);
  if (!ticket) return pass(ticket);
  auto found = expect(*ticket, Type::extended_reply, "free space", call);
  if (!found) return pass(found);
  Cursor cursor = found->cursor();
  cursor.u64();
  const std::uint64_t block = cursor.u64();
  cursor.u64();
  cursor.u64();
  return block * cursor.u64();
}

Result<std::vector<Entry>> Client::read_directory(std::string_view path, const Call& call) {
  const std::string what = base::concat("list ", path);
  Packet request = packet(Type::opendir);
  request.text(path);
  auto ticket = send(std::move(request), call);
  if (!ticket) return pass(ticket);
  auto opened = handle(*ticket, what, call);
  if (!opened) return pass(opened);
  std::vector<Entry> all;
  std::deque<Ticket> ahead;
  Result<void> result;
  for (bool end = false; result && !end;) {
    while (result && ahead.size() < kReadsAhead) {
      Packet next = packet(Type::readdir);
      next.text(*opened);
      auto sent = send(std::move(next), call);
      if (sent) ahead.push_back(*sent);
      if (!sent) result = pass(sent);
    }
    if (!result) break;
    auto some = entries(ahead.front(), what, call);
    ahead.pop_front();
    if (!some) result = pass(some);
    if (!some) break;
    end = some->empty();
    for (Entry& entry : *some) all.push_back(std::move(entry));
  }
  for (const Ticket left : ahead) forget(left);
  close(*opened, call);
  if (!result) return pass(result);
  return all;
}

}  // namespace replica::backend::sftp
