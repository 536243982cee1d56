#include "config/late_backend.hpp"

#include <array>
#include <functional>
#include <mutex>

#include "config/packed_texts.hpp"
#include "config/paths.hpp"

namespace config {
namespace {

using replica::Call;
using replica::ObjectInfo;
using replica::Result;

constexpr int kAttempts = 3;  // of one request; the database then waits and begins again

// Held for a moment by whoever asks: a few do for all backends, which have no room for one each.
std::mutex& lock_of(const void* backend) {
  static std::array<std::mutex, 16> locks;
  return locks.at(std::hash<const void*>()(backend) / 128 % locks.size());
}

class LateBackend final : public replica::Backend {
 public:
  LateBackend(const StoreKind& kind, const ReplicaSettings& settings, const std::string& database, Metering* metering)
      : kind_(kind),
        metering_(metering),
        store_(settings.store),
        texts_(std::array<std::string_view, 4>{settings.root, settings.key_prefix, database, own_location(settings)}) {}

  std::string_view type() const noexcept override { return kind_.type; }
  replica::Capabilities capabilities() const noexcept override { return made()->capabilities(); }
  std::string url() const override {
    const Texts own = texts();
    return own.location.empty() ? file_url(own.root) : std::string(own.location);
  }
  bool counts_requests() const noexcept override { return made()->counts_requests(); }
  Result<ObjectInfo> put(std::string_view key, replica::Source& body, const replica::PutOptions& options,
                         const Call& call) override {
    return made()->put(key, body, options, call);
  }
  Result<std::uint64_t> get(std::string_view key, replica::ByteRange range, replica::Sink& out,
                            const Call& call) override {
    return made()->get(key, range, out, call);
  }
  Result<ObjectInfo> stat(std::string_view key, const Call& call) override { return made()->stat(key, call); }
  Result<void> list(std::string_view prefix, std::string_view after, const Visitor& visit, const Call& call) override {
    return made()->list(prefix, after, visit, call);
  }
  Result<void> remove(std::string_view key, const Call& call) override { return made()->remove(key, call); }
  Result<void> remove_folders(std::string_view name, const Call& call) override {
    return made()->remove_folders(name, call);
  }
  // Calls that are under way keep what they use.
  void rest() noexcept override {
    std::shared_ptr<replica::Backend> given_up;
    const std::lock_guard guard(lock_of(this));
    given_up.swap(made_);
  }

 private:
  std::shared_ptr<replica::Backend> made() const {
    const std::lock_guard guard(lock_of(this));
    if (!made_) made_ = make();
    return made_;
  }
  struct Texts {
    std::string_view root, prefix, database;
    std::string_view location;  // empty: the URL of the root
  };
  static std::string_view own_location(const ReplicaSettings& settings) {
    return settings.location == file_url(settings.root) ? std::string_view() : settings.location;
  }
  Texts texts() const {
    Texts out;
    PackedTexts::Reader reader(texts_);
    for (std::string_view* own : {&out.root, &out.prefix, &out.database, &out.location}) *own = reader.next();
    return out;
  }
  std::shared_ptr<replica::Backend> make() const {
    const Texts own = texts();
    const std::string database(own.database);
    ReplicaSettings settings;
    settings.root = own.root;
    settings.key_prefix = own.prefix;
    settings.type = kind_.type;
    settings.store = store_;
    std::shared_ptr<replica::Backend> backend = kind_.make(settings, database);
    if (metering_ != nullptr) {
      if (!counter_) counter_ = metering_->counter(kind_.type, database);
      backend = metering_->watch(std::move(backend), counter_);
    }
    if (kind_.remote) backend = replica::make_retrying_backend(std::move(backend), {.attempts = kAttempts});
    return backend;
  }

  const StoreKind& kind_;
  Metering* metering_;
  SharedStore store_;
  PackedTexts texts_;                                         // those of Texts
  mutable std::shared_ptr<replica::RequestCounter> counter_;  // the lock's from here on; as long as this
  mutable std::shared_ptr<replica::Backend> made_;
};

}  // namespace

std::shared_ptr<replica::Backend> make_late_backend(const StoreKind& kind, const ReplicaSettings& settings,
                                                    const std::string& database, Metering* metering) {
  return std::make_shared<LateBackend>(kind, settings, database, metering);
}

}  // namespace config
