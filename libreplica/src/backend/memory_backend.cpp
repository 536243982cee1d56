#include <map>
#include <mutex>

#include "backend/transfer.hpp"
#include "base/text.hpp"

namespace replica {
namespace {

struct Object {
  std::vector<std::byte> data;
  Timestamp modified_at{};
};

class MemoryBackend final : public Backend {
 public:
  std::string_view type() const noexcept override { return "memory"; }
  Capabilities capabilities() const noexcept override { return {.conditional_put = true, .keeps_modified_at = true}; }

  Result<ObjectInfo> put(std::string_view key, Source& body, const PutOptions& options, const Call& call) override;
  Result<std::uint64_t> get(std::string_view key, ByteRange range, Sink& out, const Call& call) override;
  Result<ObjectInfo> stat(std::string_view key, const Call& call) override;
  Result<void> list(std::string_view prefix, std::string_view after, const Visitor& visitor, const Call& call) override;
  Result<void> remove(std::string_view key, const Call& call) override;

 private:
  std::shared_ptr<const Object> find(std::string_view key);
  std::vector<ObjectInfo> page(std::string_view prefix, std::string_view after);

  std::mutex mutex_;
  // Guarded by mutex_. An object is never changed, so that who reads one needs no lock.
  std::map<std::string, std::shared_ptr<const Object>, std::less<>> objects_;
};

ObjectInfo info_of(std::string_view key, const Object& object) {
  return {.key = std::string(key), .size = object.data.size(), .modified_at = object.modified_at};
}

Result<ObjectInfo> MemoryBackend::put(std::string_view key, Source& body, const PutOptions& options, const Call& call) {
  if (auto begun = backend::begin("put", key, call); !begun) return pass(begun);
  MemorySink sink;
  if (auto copied = backend::copy_body(body, sink, key, call); !copied) return pass(copied);
  const auto object = std::make_shared<const Object>(
      Object{.data = sink.take(), .modified_at = options.modified_at.value_or(SystemClock().now())});
  const std::scoped_lock lock(mutex_);
  auto [place, fresh] = objects_.try_emplace(std::string(key), object);
  if (!fresh && options.if_absent) return backend::key_exists(key);
  place->second = object;
  return info_of(key, *object);
}

std::shared_ptr<const Object> MemoryBackend::find(std::string_view key) {
  const std::scoped_lock lock(mutex_);
  const auto found = objects_.find(key);
  return found == objects_.end() ? nullptr : found->second;
}

Result<std::uint64_t> MemoryBackend::get(std::string_view key, ByteRange range, Sink& out, const Call& call) {
  if (auto begun = backend::begin("get", key, call); !begun) return pass(begun);
  const auto object = find(key);
  if (!object) return backend::not_found(key);
  auto end = backend::end_of(range, object->data.size(), key);
  if (!end) return pass(end);
  const Bytes wanted = Bytes(object->data).subspan(range.offset, *end - range.offset);
  if (auto written = out.write(wanted); !written) return pass(written);
  return wanted.size();
}

Result<ObjectInfo> MemoryBackend::stat(std::string_view key, const Call& call) {
  if (auto begun = backend::begin("stat", key, call); !begun) return pass(begun);
  const auto object = find(key);
  if (!object) return backend::not_found(key);
  return info_of(key, *object);
}

// As many as are worth one lock; the visitor runs without it and may call us.
std::vector<ObjectInfo> MemoryBackend::page(std::string_view prefix, std::string_view after) {
  constexpr std::size_t kPage = 256;
  std::vector<ObjectInfo> found;
  const std::scoped_lock lock(mutex_);
  auto at = after < prefix ? objects_.lower_bound(prefix) : objects_.upper_bound(after);
  for (; at != objects_.end() && at->first.starts_with(prefix) && found.size() < kPage; ++at) {
    found.push_back(info_of(at->first, *at->second));
  }
  return found;
}

Result<void> MemoryBackend::list(std::string_view prefix, std::string_view after, const Visitor& visitor,
                                 const Call& call) {
  if (auto valid = check_prefix(prefix); !valid) return valid;
  std::string last(after);
  for (;;) {
    if (auto going = call.check(base::concat("list ", prefix)); !going) return going;
    const std::vector<ObjectInfo> found = page(prefix, last);
    if (found.empty()) return {};
    for (const ObjectInfo& object : found) {
      if (!visitor(object)) return {};
    }
    last = found.back().key;
  }
}

Result<void> MemoryBackend::remove(std::string_view key, const Call& call) {
  if (auto begun = backend::begin("remove", key, call); !begun) return begun;
  const std::scoped_lock lock(mutex_);
  if (const auto found = objects_.find(key); found != objects_.end()) objects_.erase(found);
  return {};
}

}  // namespace

std::unique_ptr<Backend> make_memory_backend() { return std::make_unique<MemoryBackend>(); }

}  // namespace replica
