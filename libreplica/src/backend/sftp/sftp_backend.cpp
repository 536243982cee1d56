#include "replica/backends/sftp.hpp"

#include <atomic>

#include "backend/sftp/transfers.hpp"
#include "backend/sftp/walk.hpp"
#include "backend/transfer.hpp"
#include "base/text.hpp"

namespace replica {
namespace {

using namespace backend::sftp;

class SftpBackend final : public Backend {
 public:
  explicit SftpBackend(SftpBackendOptions options)
      : root_(options.root),
        concurrent_writes_(options.concurrent_writes),
        folders_(options.root),
        pool_(std::move(options)) {}

  std::string_view type() const noexcept override { return "sftp"; }
  // Times are kept to the second only.
  Capabilities capabilities() const noexcept override {
    return {.conditional_put = links_, .keeps_modified_at = false};
  }

  Result<ObjectInfo> put(std::string_view key, Source& body, const PutOptions& options, const Call& call) override;
  Result<std::uint64_t> get(std::string_view key, ByteRange range, Sink& out, const Call& call) override;
  Result<ObjectInfo> stat(std::string_view key, const Call& call) override;
  Result<void> list(std::string_view prefix, std::string_view after, const Visitor& visitor,
                    const Call& call) override {
    return walk(pool_, root_, prefix, after, visitor, call);
  }
  Result<void> remove(std::string_view key, const Call& call) override;
  Result<void> remove_folders(std::string_view name, const Call& call) override;

 private:
  std::string path_of(std::string_view key) const { return base::concat(root_, "/", key); }

  std::string root_;
  bool concurrent_writes_;
  Folders folders_;
  Pool pool_;
  std::atomic<bool> links_ = true;  // until a server says that it has none
};

Result<ObjectInfo> SftpBackend::put(std::string_view key, Source& body, const PutOptions& options, const Call& call) {
  if (auto begun = backend::begin("put", key, call); !begun) return pass(begun);
  auto client = pool_.acquire(call);
  if (!client) return pass(client);
  if (!(*client)->extensions().hardlink) links_ = false;
  if (options.if_absent && !links_) {
    return fail(Errc::unsupported, "sftp: the server has no hardlink@openssh.com, by which a put is made conditional");
  }
  const std::uint64_t size = body.size();
  const Timestamp modified_at = options.modified_at.value_or(SystemClock().now());
  Upload upload{.client = **client,
                .folders = folders_,
                .key = key,
                .path = path_of(key),
                .concurrent_writes = concurrent_writes_,
                .modified_at = modified_at,
                .if_absent = options.if_absent,
                .call = call};
  if (auto stored = upload.run(body); !stored) return pass(stored);
  return ObjectInfo{
      .key = std::string(key), .size = size, .modified_at = std::chrono::floor<std::chrono::seconds>(modified_at)};
}

Result<std::uint64_t> SftpBackend::get(std::string_view key, ByteRange range, Sink& out, const Call& call) {
  if (auto begun = backend::begin("get", key, call); !begun) return pass(begun);
  auto client = pool_.acquire(call);
  if (!client) return pass(client);
  return download(**client, key, path_of(key), range, out, call);
}

Result<ObjectInfo> SftpBackend::stat(std::string_view key, const Call& call) {
  if (auto begun = backend::begin("stat", key, call); !begun) return pass(begun);
  auto client = pool_.acquire(call);
  if (!client) return pass(client);
  auto found = (*client)->stat(path_of(key), call);
  if (!found && found.error().code != Errc::not_found) return pass(found);
  if (!found || !found->is_regular()) return backend::not_found(key);
  return ObjectInfo{.key = std::string(key), .size = found->size.value_or(0), .modified_at = found->modified_at()};
}

Result<void> SftpBackend::remove(std::string_view key, const Call& call) {
  if (auto begun = backend::begin("remove", key, call); !begun) return begun;
  auto client = pool_.acquire(call);
  if (!client) return pass(client);
  auto removed = (*client)->remove(path_of(key), call);
  if (removed || removed.error().code == Errc::not_found) return {};
  if ((*client)->is_broken()) return removed;
  // A folder of that name: there is no such object.
  auto there = (*client)->stat(path_of(key), call);
  const bool is_gone = there ? there->is_directory() : there.error().code == Errc::not_found;
  return is_gone ? Result<void>() : removed;
}

Result<void> SftpBackend::remove_folders(std::string_view name, const Call& call) {
  if (auto begun = backend::begin("remove folders", name, call); !begun) return begun;
  auto client = pool_.acquire(call);
  if (!client) return pass(client);
  return folders_.remove(**client, path_of(name), call);
}

}  // namespace

std::unique_ptr<Backend> make_sftp_backend(SftpBackendOptions options) {
  while (options.root.size() > 1 && options.root.ends_with('/')) options.root.pop_back();
  // The login directory; and "/" as the beginning of paths is nothing.
  if (options.root.empty()) options.root = ".";
  if (options.root == "/") options.root.clear();
  return std::make_unique<SftpBackend>(std::move(options));
}

}  // namespace replica
