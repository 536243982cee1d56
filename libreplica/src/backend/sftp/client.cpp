#include "backend/sftp/client.hpp"

#include "base/text.hpp"

namespace replica::backend::sftp {
namespace {

constexpr std::uint32_t kVersion = 3;
constexpr std::size_t kLongestBlock = 261'120;  // OpenSSH's own limit
constexpr std::uint64_t kSlowDisk = 4'000'000;  // bytes a second that any disk takes
constexpr std::size_t kMostEarly = 1024;        // more answers than requests under way are nobody's
constexpr std::string_view kLimits = "limits@openssh.com";

// Words of the server, without what could confuse a terminal or a log.
std::string shown(std::string text) {
  text.resize(std::min<std::size_t>(text.size(), 200));
  for (char& c : text) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = '?';
  }
  return text;
}

Error refusal(Status status, std::string_view what, std::string words) {
  const auto error = [&](Errc code, std::string_view why, std::string_view hint = {}) {
    return Error{code, base::concat("sftp ", what, ": ", why), std::string(hint)};
  };
  switch (status) {
    case Status::no_such_file:
      return error(Errc::not_found, "no such file");
    case Status::permission_denied:
      return error(Errc::permission_denied, "permission denied", "check who may write there on the server");
    case Status::no_space:
      return error(Errc::no_space, "no space left on the server", "make room on the server");
    case Status::quota_exceeded:
      return error(Errc::no_space, "the quota on the server is used up", "make room on the server");
    case Status::op_unsupported:
      return error(Errc::unsupported, "the server does not offer that");
    case Status::bad_message:
      return error(Errc::invalid_argument, "the server does not take that");
    case Status::no_connection:
    case Status::connection_lost:
      return error(Errc::unavailable, "the server has lost its connection");
    default:
      return error(Errc::io, base::concat("the server says '", shown(std::move(words)), "'"));
  }
}

}  // namespace

Result<std::unique_ptr<Client>> Client::connect(const SftpBackendOptions& options, const Call& call) {
  auto channel = Channel::open(options, call);
  if (!channel) return pass(channel);
  std::unique_ptr<Client> client(new Client(std::move(*channel), options.silence));
  if (auto greeted = client->greet(call); !greeted) return pass(greeted);
  return client;
}

Failure Client::garbled(std::string_view what) {
  channel_->give_up();
  return fail(Errc::unavailable, base::concat("sftp ", channel_->name(), ": ", what, ": the answer makes no sense"));
}

Result<void> Client::greet(const Call& call) {
  Packet hello(Type::init, kVersion);
  if (auto sent = channel_->send(hello.finish(), call); !sent) return sent;
  auto packet = channel_->receive(silence_, call);
  if (!packet) return pass(packet);
  Cursor cursor(*packet);
  if (cursor.u8() != static_cast<std::uint8_t>(Type::version) || cursor.u32() < kVersion) {
    return fail(Errc::unsupported, base::concat("sftp ", channel_->name(), ": the server does not speak version 3"));
  }
  bool limits = false;
  while (cursor.ok() && !cursor.at_end()) {
    const std::string name = cursor.text(), data = cursor.text();
    if (name == "posix-rename@openssh.com") extensions_.posix_rename = true;
    if (name == "hardlink@openssh.com") extensions_.hardlink = true;
    if (name == "fsync@openssh.com") extensions_.fsync = true;
    if (name == "statvfs@openssh.com" && data == "2") extensions_.statvfs = true;
    if (name == kLimits) limits = true;
  }
  return limits ? learn_limits(call) : Result<void>();
}

Result<void> Client::learn_limits(const Call& call) {
  auto ticket = send(extension(kLimits), call);
  if (!ticket) return pass(ticket);
  auto answer = expect(*ticket, Type::extended_reply, "limits", call);
  if (!answer && !is_broken()) return {};
  if (!answer) return pass(answer);
  Cursor cursor = answer->cursor();
  cursor.u64();  // of a packet
  const std::uint64_t read = cursor.u64(), write = cursor.u64();
  const auto within = [](std::uint64_t limit, std::size_t usual) {
    return limit == 0 ? usual : static_cast<std::size_t>(std::min<std::uint64_t>(limit, kLongestBlock));
  };
  extensions_.longest_read = within(read, extensions_.longest_read);
  extensions_.longest_write = within(write, extensions_.longest_write);
  return {};
}

Packet Client::extension(std::string_view name) {
  Packet made = packet(Type::extended);
  made.text(name);
  return made;
}

Result<Client::Ticket> Client::send(Packet packet, const Call& call) {
  if (auto sent = channel_->send(packet.finish(), call); !sent) return pass(sent);
  return last_;
}

void Client::forget(Ticket ticket) {
  if (early_.erase(ticket) == 0) forgotten_.insert(ticket);
}

Result<Client::Answer> Client::answer(Ticket ticket, const Call& call, std::uint64_t bytes) {
  const auto patience = silence_ + std::chrono::seconds(bytes / kSlowDisk);
  for (;;) {
    if (auto early = early_.extract(ticket)) return std::move(early.mapped());
    auto packet = channel_->receive(patience, call);
    if (!packet) {
      forget(ticket);
      return pass(packet);
    }
    Cursor cursor(*packet);
    const auto type = static_cast<Type>(cursor.u8());
    const Ticket number = cursor.u32();
    const bool is_expected = cursor.ok() && number != 0 && number <= last_ && !early_.contains(number);
    if (!is_expected || early_.size() > kMostEarly) return garbled("answer");
    if (forgotten_.erase(number) == 0) early_[number] = {type, std::move(*packet)};
  }
}

Result<Client::Answer> Client::expect(Ticket ticket, Type type, std::string_view what, const Call& call,
                                      std::uint64_t bytes) {
  auto found = answer(ticket, call, bytes);
  if (!found || found->type == type) return found;
  if (found->type != Type::status) return garbled(what);
  Cursor cursor = found->cursor();
  const auto status = static_cast<Status>(cursor.u32());
  if (!cursor.ok() || status == Status::ok) return garbled(what);
  return Failure(refusal(status, what, cursor.text()));
}

Result<void> Client::done(Ticket ticket, std::string_view what, const Call& call, std::uint64_t bytes) {
  auto found = expect(ticket, Type::status, what, call, bytes);
  if (!found) return pass(found);
  Cursor cursor = found->cursor();
  const auto status = static_cast<Status>(cursor.u32());
  if (!cursor.ok()) return garbled(what);
  return status == Status::ok ? Result<void>() : Failure(refusal(status, what, cursor.text()));
}

Result<std::string> Client::handle(Ticket ticket, std::string_view what, const Call& call) {
  auto found = expect(ticket, Type::handle, what, call);
  if (!found) return pass(found);
  return found->cursor().text();
}

namespace {

// End of file is no failure to those who read on until it comes.
bool is_end(Cursor cursor) { return static_cast<Status>(cursor.u32()) == Status::eof; }

}  // namespace

Result<std::vector<std::byte>> Client::data(Ticket ticket, std::string_view what, const Call& call) {
  auto found = answer(ticket, call);
  if (!found) return pass(found);
  if (found->type == Type::status && is_end(found->cursor())) return std::vector<std::byte>();
  early_[ticket] = std::move(*found);
  found = expect(ticket, Type::data, what, call);
  if (!found) return pass(found);
  Cursor cursor = found->cursor();
  const Bytes bytes = cursor.bytes();
  if (!cursor.ok() || bytes.empty()) return garbled(what);
  return std::vector<std::byte>(bytes.begin(), bytes.end());
}

Result<Attributes> Client::attributes(Ticket ticket, std::string_view what, const Call& call) {
  auto found = expect(ticket, Type::attributes, what, call);
  if (!found) return pass(found);
  Cursor cursor = found->cursor();
  const Attributes attributes = cursor.attributes();
  if (!cursor.ok()) return garbled(what);
  return attributes;
}

Result<std::vector<Entry>> Client::entries(Ticket ticket, std::string_view what, const Call& call) {
  auto found = answer(ticket, call);
  if (!found) return pass(found);
  std::vector<Entry> read;
  if (found->type == Type::status && is_end(found->cursor())) return read;
  early_[ticket] = std::move(*found);
  found = expect(ticket, Type::name, what, call);
  if (!found) return pass(found);
  Cursor cursor = found->cursor();
  for (std::uint32_t count = cursor.u32(); count > 0 && cursor.ok(); --count) {
    Entry entry;
    entry.name = cursor.text();
    cursor.bytes();  // the same as ls -l shows it
    entry.attributes = cursor.attributes();
    read.push_back(std::move(entry));
  }
  if (!cursor.ok() || read.empty()) return garbled(what);
  return read;
}

}  // namespace replica::backend::sftp
