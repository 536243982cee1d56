#include "backend/file_backend.hpp"

#include <algorithm>

#include "backend/file_layout.hpp"
#include "backend/transfer.hpp"
#include "base/text.hpp"
#include "io/directory.hpp"
#include "io/file.hpp"

namespace replica {
namespace {

constexpr std::size_t kChunk = std::size_t{256} * 1024;
constexpr std::uint64_t kKernelChunk = std::uint64_t{16} << 20U;  // as long as it takes to ask whether to go on

// A body that is a file, by the kernel; false when it cannot, and nothing is copied then.
Result<bool> copy_file(Source& body, io::AtomicFile& out, std::string_view key, const Call& call) {
  auto* file = dynamic_cast<io::FileSource*>(&body);
  if (file == nullptr) return false;
  const std::uint64_t size = file->size();
  std::uint64_t done = 0;
  while (done < size) {
    if (auto going = call.check(base::concat("put ", key)); !going) return pass(going);
    auto copied = out.write_from(*file, kKernelChunk);
    if (!copied) return pass(copied);
    if (*copied == 0 && done == 0) return false;
    if (*copied == 0) return fail(Errc::corrupt, base::concat("put ", key, ": body has less than ", size, " bytes"));
    done += *copied;
  }
  if (auto going = call.check(base::concat("put ", key)); !going) return pass(going);
  return true;
}

class FileBackend final : public Backend {
 public:
  FileBackend(FileBackendOptions options, io::Gate* gate, const Clock& clock)
      : options_(std::move(options)),
        gate_(gate),
        clock_(clock),
        folders_(options_.root, gate, clock, *options_.settled) {}

  std::string_view type() const noexcept override { return "file"; }
  Capabilities capabilities() const noexcept override {
    return {.conditional_put = true, .keeps_modified_at = true, .links_files = true};
  }

  Result<ObjectInfo> put(std::string_view key, Source& body, const PutOptions& options, const Call& call) override;
  Result<std::uint64_t> get(std::string_view key, ByteRange range, Sink& out, const Call& call) override;
  Result<ObjectInfo> stat(std::string_view key, const Call& call) override;
  Result<void> list(std::string_view prefix, std::string_view after, const Visitor& visitor, const Call& call) override;
  Result<void> remove(std::string_view key, const Call& call) override;
  Result<void> remove_folders(std::string_view name, const Call& call) override;

 private:
  std::string path_of(std::string_view key) const { return base::concat(options_.root, "/", key); }
  std::optional<io::FileInfo> model(const std::string& path) const;
  struct NewObject {
    io::AtomicFile file;
    backend::Folders::Unsettled folders;  // to be settled after its commit
  };
  Result<NewObject> create(const std::string& path);
  Result<NewObject> create_in(const std::string& folder, const std::string& path);
  Result<backend::Folders::Unsettled> make_folders(const std::string& folder);
  Result<bool> link(const std::string& path, Source& body, Timestamp modified_at);

  FileBackendOptions options_;
  io::Gate* gate_;
  const Clock& clock_;
  backend::Folders folders_;
};

// What `path` looks like; none when nothing is configured or it does not exist (yet).
std::optional<io::FileInfo> FileBackend::model(const std::string& path) const {
  if (options_.permissions_like.empty()) return {};
  auto info = io::stat_path(path);
  if (!info) return {};
  return *info;
}

Result<backend::Folders::Unsettled> FileBackend::make_folders(const std::string& folder) {
  const auto like = model(io::parent_of(options_.permissions_like));
  return folders_.make(folder, like ? &*like : nullptr);
}

Result<FileBackend::NewObject> FileBackend::create_in(const std::string& folder, const std::string& path) {
  auto folders = make_folders(folder);
  if (!folders) return pass(folders);
  const auto like = model(options_.permissions_like);
  auto file = io::AtomicFile::create(
      path, gate_,
      {.like = like ? &*like : nullptr, .permissions = 0600, .temp_path = backend::unfinished_name(folder)});
  if (!file) return pass(file);
  return NewObject{std::move(*file), std::move(*folders)};
}

Result<FileBackend::NewObject> FileBackend::create(const std::string& path) {
  const std::string folder = io::parent_of(path);
  auto object = create_in(folder, path);
  if (object || object.error().code != Errc::not_found) return object;
  // A folder we knew has been removed since.
  folders_.forget(folder);
  auto again = create_in(folder, path);
  if (again || again.error().code != Errc::not_found) return again;
  return fail(Errc::invalid_argument, std::move(again.error().message),
              "an object cannot have the name of another object's folder");
}

// A body that is a finished file of the same file system becomes the object under a second name. False: copy it, also
// where the folder is missing: create() finds out why.
Result<bool> FileBackend::link(const std::string& path, Source& body, Timestamp modified_at) {
  auto* file = dynamic_cast<io::FileSource*>(&body);
  const std::string folder = io::parent_of(path);
  if (file == nullptr) return false;
  auto folders = make_folders(folder);
  if (!folders) return folders.error().code == Errc::not_found ? Result<bool>(false) : Result<bool>(pass(folders));
  const auto like = model(options_.permissions_like);
  auto linked = file->appear_as(path, like ? &*like : nullptr, modified_at);
  if (!linked || !*linked) return linked;
  if (auto synced = io::sync_directory(folder, gate_); !synced) return pass(synced);
  if (auto settled = folders_.settle(*folders); !settled) return pass(settled);
  return true;
}

Result<ObjectInfo> FileBackend::put(std::string_view key, Source& body, const PutOptions& options, const Call& call) {
  if (auto begun = backend::begin("put", key, call); !begun) return pass(begun);
  const std::string path = path_of(key);
  // Spares sending the body; what decides is commit_new.
  if (options.if_absent && io::stat_path(path)) return backend::key_exists(key);
  const std::uint64_t size = body.size();
  const Timestamp modified_at = options.modified_at.value_or(clock_.now());
  ObjectInfo done{.key = std::string(key), .size = size, .modified_at = modified_at};
  if (!options.if_absent) {
    auto linked = link(path, body, modified_at);
    if (!linked) return pass(linked);
    if (*linked) return done;
  }
  auto object = create(path);
  if (!object) return pass(object);
  io::AtomicFile& file = object->file;
  auto copied = copy_file(body, file, key, call);
  if (!copied) return pass(copied);
  if (!*copied) {
    if (auto sent = backend::copy_body(body, file, key, call); !sent) return pass(sent);
  }
  auto committed = options.if_absent ? file.commit_new(modified_at) : file.commit(modified_at);
  if (!committed && committed.error().code == Errc::already_exists) return backend::key_exists(key);
  if (!committed) return pass(committed);
  if (auto settled = folders_.settle(object->folders); !settled) return pass(settled);
  return done;
}

Result<std::uint64_t> FileBackend::get(std::string_view key, ByteRange range, Sink& out, const Call& call) {
  if (auto begun = backend::begin("get", key, call); !begun) return pass(begun);
  auto file = io::File::open(path_of(key), io::File::Mode::read, gate_);
  if (!file && file.error().code == Errc::not_found) return backend::not_found(key);
  if (!file) return pass(file);
  auto info = file->info();
  if (!info) return pass(info);
  if (!info->is_regular) return backend::not_found(key);
  auto end = backend::end_of(range, info->size, key);
  if (!end) return pass(end);
  std::vector<std::byte> chunk(static_cast<std::size_t>(std::min<std::uint64_t>(*end - range.offset, kChunk)));
  for (std::uint64_t at = range.offset; at < *end;) {
    if (auto going = call.check(base::concat("get ", key)); !going) return pass(going);
    const auto wanted = static_cast<std::size_t>(std::min<std::uint64_t>(chunk.size(), *end - at));
    if (auto got = file->read_exactly_at(at, MutableBytes(chunk).first(wanted)); !got) return pass(got);
    if (auto written = out.write(Bytes(chunk).first(wanted)); !written) return pass(written);
    at += wanted;
  }
  return *end - range.offset;
}

Result<ObjectInfo> FileBackend::stat(std::string_view key, const Call& call) {
  if (auto begun = backend::begin("stat", key, call); !begun) return pass(begun);
  auto info = io::stat_path(path_of(key));
  if (!info && info.error().code != Errc::not_found) return pass(info);
  if (!info || !info->is_regular) return backend::not_found(key);
  return ObjectInfo{.key = std::string(key), .size = info->size, .modified_at = info->modified_at};
}

Result<void> FileBackend::list(std::string_view prefix, std::string_view after, const Visitor& visitor,
                               const Call& call) {
  return backend::walk(options_.root, prefix, after, visitor, call, gate_);
}

Result<void> FileBackend::remove(std::string_view key, const Call& call) {
  if (auto begun = backend::begin("remove", key, call); !begun) return begun;
  auto removed = io::remove_file(path_of(key), gate_);
  // A folder of that name: there is no such object.
  if (!removed && removed.error().code == Errc::invalid_argument) return {};
  return removed;
}

Result<void> FileBackend::remove_folders(std::string_view name, const Call& call) {
  if (auto begun = backend::begin("remove folders", name, call); !begun) return begun;
  auto removed = io::remove_empty_directories(path_of(name), gate_);
  options_.settled->clear();
  return removed;
}

}  // namespace

namespace backend {

std::unique_ptr<Backend> make_file_backend(FileBackendOptions options, io::Gate* gate, const Clock* clock) {
  static const SystemClock kSystem;
  while (options.root.size() > 1 && options.root.ends_with('/')) options.root.pop_back();
  if (options.root.empty()) options.root = ".";
  if (!options.settled) options.settled = make_settled_folders();
  return std::make_unique<FileBackend>(std::move(options), gate, clock != nullptr ? *clock : kSystem);
}

}  // namespace backend

std::unique_ptr<Backend> make_file_backend(FileBackendOptions options) {
  return backend::make_file_backend(std::move(options), nullptr);
}

}  // namespace replica
