#include <algorithm>
#include <deque>

#include "backend/sftp/transfers.hpp"
#include "backend/transfer.hpp"
#include "base/text.hpp"

namespace replica::backend::sftp {
namespace {

// Bytes that are asked for and not yet there.
constexpr std::size_t kUnderWay = std::size_t{1} << 20;

class Download {
 public:
  Download(Client& client, const std::string& handle, std::string_view key, const Call& call)
      : client_(client), handle_(handle), what_(base::concat("get ", key)), call_(call) {}
  ~Download() {
    for (const Block& left : under_way_) client_.forget(left.ticket);
  }
  Download(const Download&) = delete;
  Download& operator=(const Download&) = delete;

  Result<void> run(std::uint64_t from, std::uint64_t end, Sink& out) {
    for (std::uint64_t asked = from; asked < end || !under_way_.empty();) {
      if (auto going = call_.check(what_); !going) return going;
      while (asked < end && waiting_ < kUnderWay) {
        const auto size = std::min<std::uint64_t>(end - asked, client_.extensions().longest_read);
        auto sent = ask(asked, static_cast<std::uint32_t>(size));
        if (!sent) return pass(sent);
        under_way_.push_back(*sent);
        waiting_ += static_cast<std::size_t>(size);
        asked += size;
      }
      if (auto taken = take(out); !taken) return taken;
    }
    return {};
  }

 private:
  struct Block {
    Client::Ticket ticket;
    std::uint64_t offset;
    std::uint32_t size;
  };

  Result<Block> ask(std::uint64_t offset, std::uint32_t size) {
    Packet request = client_.packet(Type::read);
    request.text(handle_).u64(offset).u32(size);
    auto ticket = client_.send(std::move(request), call_);
    if (!ticket) return pass(ticket);
    return Block{*ticket, offset, size};
  }

  // The first block; the rest of it is asked for again when the server gave less.
  Result<void> take(Sink& out) {
    const Block first = under_way_.front();
    under_way_.pop_front();
    auto data = client_.data(first.ticket, what_, call_);
    if (!data) return pass(data);
    if (data->empty() || data->size() > first.size) {
      return fail(Errc::io, base::concat("sftp ", what_, ": the file ends before its size"));
    }
    const auto got = static_cast<std::uint32_t>(data->size());
    waiting_ -= got;
    if (got < first.size) {
      auto rest = ask(first.offset + got, first.size - got);
      if (!rest) return pass(rest);
      under_way_.push_front(*rest);
    }
    return out.write(*data);
  }

  Client& client_;
  const std::string& handle_;
  std::string what_;
  const Call& call_;
  std::deque<Block> under_way_;
  std::size_t waiting_ = 0;
};

// The size of an open file; not_found for a directory.
Result<std::uint64_t> size_of(Client& client, const std::string& handle, std::string_view key, const Call& call) {
  Packet request = client.packet(Type::fstat);
  request.text(handle);
  auto ticket = client.send(std::move(request), call);
  if (!ticket) return pass(ticket);
  auto found = client.attributes(*ticket, base::concat("get ", key), call);
  if (!found) return pass(found);
  if (!found->is_regular() || !found->size) return not_found(key);
  return *found->size;
}

}  // namespace

Result<std::uint64_t> download(Client& client, std::string_view key, const std::string& path, ByteRange range,
                               Sink& out, const Call& call) {
  auto handle = client.open(path, kRead, call);
  if (!handle && handle.error().code == Errc::not_found) return not_found(key);
  if (!handle && !client.is_broken()) {
    // Some servers do not open directories.
    if (auto there = client.stat(path, call); there && !there->is_regular()) return not_found(key);
  }
  if (!handle) return pass(handle);
  const auto transfer = [&]() -> Result<std::uint64_t> {
    auto size = size_of(client, *handle, key, call);
    if (!size) return pass(size);
    auto end = end_of(range, *size, key);
    if (!end) return pass(end);
    if (auto got = Download(client, *handle, key, call).run(range.offset, *end, out); !got) return pass(got);
    return *end - range.offset;
  };
  auto transferred = transfer();
  if (!client.is_broken()) client.close(*handle, call);
  return transferred;
}

}  // namespace replica::backend::sftp
