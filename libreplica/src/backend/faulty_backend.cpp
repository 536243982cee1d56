#include "replica/backend.hpp"

namespace replica {
namespace {

class FaultyBackend final : public Backend {
 public:
  FaultyBackend(std::shared_ptr<Backend> inner, FaultPlan plan) : inner_(std::move(inner)), plan_(std::move(plan)) {}

  std::string_view type() const noexcept override { return inner_->type(); }
  Capabilities capabilities() const noexcept override { return inner_->capabilities(); }
  std::string url() const override { return inner_->url(); }

  Result<ObjectInfo> put(std::string_view key, Source& body, const PutOptions& options, const Call& call) override {
    return with_fault("put", key, call, [&] { return inner_->put(key, body, options, call); });
  }
  Result<std::uint64_t> get(std::string_view key, ByteRange range, Sink& out, const Call& call) override {
    return with_fault("get", key, call, [&] { return inner_->get(key, range, out, call); });
  }
  Result<ObjectInfo> stat(std::string_view key, const Call& call) override {
    return with_fault("stat", key, call, [&] { return inner_->stat(key, call); });
  }
  Result<void> list(std::string_view prefix, std::string_view after, const Visitor& visitor,
                    const Call& call) override {
    return with_fault("list", prefix, call, [&] { return inner_->list(prefix, after, visitor, call); });
  }
  Result<void> remove(std::string_view key, const Call& call) override {
    return with_fault("remove", key, call, [&] { return inner_->remove(key, call); });
  }
  Result<void> remove_folders(std::string_view name, const Call& call) override {
    return with_fault("remove_folders", name, call, [&] { return inner_->remove_folders(name, call); });
  }
  void rest() noexcept override { inner_->rest(); }

 private:
  // A call that is over or fails by itself keeps its own error, so that an injected fault never hides a real one.
  template <class Operation>
  auto with_fault(std::string_view operation, std::string_view key, const Call& call, Operation run)
      -> decltype(run()) {
    if (!call.check(operation)) return run();
    auto fault = plan_(operation, key);
    if (!fault) return run();
    if (!fault->after) return Failure(std::move(fault->error));
    auto result = run();
    if (!result) return result;
    return Failure(std::move(fault->error));
  }

  std::shared_ptr<Backend> inner_;
  FaultPlan plan_;
};

}  // namespace

std::unique_ptr<Backend> make_faulty_backend(std::shared_ptr<Backend> inner, FaultPlan plan) {
  return std::make_unique<FaultyBackend>(std::move(inner), std::move(plan));
}

}  // namespace replica
