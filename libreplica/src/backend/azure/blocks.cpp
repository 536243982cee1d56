#include "backend/azure/blocks.hpp"

#include <algorithm>
#include <random>

#include "backend/azure/errors.hpp"
#include "backend/azure/xml.hpp"
#include "backend/digest.hpp"
#include "base/text.hpp"

namespace replica::azure {
namespace {

// All ids of a blob must be of one length, those of uploads that others have not ended too. This is the peer's: a
// number of the upload, the number of the block, zeros.
class BlockIds {
 public:
  BlockIds() {
    std::random_device random;
    for (std::size_t i = 0; i < kUpload; ++i) bytes_.at(i) = static_cast<std::byte>(random());
  }
  std::string of(std::size_t number) const {
    auto bytes = bytes_;
    for (std::size_t i = 0; i < 4; ++i) bytes.at(kUpload + i) = static_cast<std::byte>(number >> (24U - 8U * i));
    return backend::base64_of(bytes);
  }

 private:
  static constexpr std::size_t kUpload = 16;
  std::array<std::byte, 64> bytes_{};
};

class Blocks final : public backend::PartStore {
 public:
  Blocks(Container& container, const std::string& store_key, const Call& call)
      : container_(container), store_key_(store_key), call_(call) {}

  Result<http::Request> prepare(std::size_t number, Bytes data, Source& body) override {
    Operation block{.method = "PUT", .key = store_key_};
    block.query = {{"comp", "block"}, {"blockid", ids_.of(number)}};
    block.headers = {{.name = "Content-MD5", .value = backend::base64_of(backend::md5(data))}};
    block.body = &body;
    return container_.prepare(block, call_);
  }
  Result<void> stored(std::size_t, const http::Response&, const std::string&) override { return {}; }
  Error error_of(const http::Response& answer, std::string_view what) override {
    return container_.error_of(answer, what);
  }

  std::string list(std::size_t count) const {
    std::vector<std::string> ids;
    for (std::size_t number = 1; number <= count; ++number) ids.push_back(ids_.of(number));
    return block_list(ids);
  }

 private:
  Container& container_;
  const std::string& store_key_;
  const Call& call_;
  const BlockIds ids_;
};

// The last request: the blocks become the blob.
Result<void> commit(Container& container, const Operation& operation, const std::string& what, const Call& call) {
  auto request = container.prepare(operation, call);
  if (!request) return pass(request, what);
  auto answer = container.client().send(*request, call);
  if (!answer) return pass(answer, what);
  if (answer->ok()) return {};
  Error error = container.error_of(*answer, what);
  // An upload that made the blob takes away the blocks of those that were under way: on a condition they have lost.
  const bool conditional = std::any_of(operation.headers.begin(), operation.headers.end(),
                                       [](const auto& header) { return header.name == "If-None-Match"; });
  if (conditional && error_code_of(*answer) == "InvalidBlockList" &&
      container.send({.method = "HEAD", .key = operation.key}, what, call))
    error.code = Errc::precondition_failed;
  return Failure(std::move(error));
}

}  // namespace

Result<void> put_in_blocks(Container& container, const std::string& store_key, std::string_view key, Source& body,
                           const std::vector<http::Header>& headers, backend::PartOptions options, const Call& call) {
  const std::string what = base::concat("put ", key);
  options.part_size = backend::part_size_for(body.size(), options.part_size, kMostBlocks);
  Blocks blocks(container, store_key, call);
  if (auto sent = backend::send_parts(container.client(), blocks, body, options, what, call); !sent) return sent;
  const std::string text = blocks.list(backend::part_count(body.size(), options.part_size));
  MemorySource list(backend::bytes_of(text));
  Operation end{.method = "PUT", .key = store_key, .query = {{"comp", "blocklist"}}, .headers = headers};
  end.headers.push_back({.name = "Content-MD5", .value = backend::base64_of(backend::md5(backend::bytes_of(text)))});
  end.body = &list;
  end.kind = RequestClass::other;
  return commit(container, end, what, call);
}

}  // namespace replica::azure
