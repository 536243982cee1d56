#include "replica/backend.hpp"

namespace replica {
namespace {

std::uint64_t bytes_of(const Result<ObjectInfo>& result) { return result ? result->size : 0; }
std::uint64_t bytes_of(const Result<std::uint64_t>& result) { return result ? *result : 0; }

// As over HTTP: that something is missing or taken is none; a call that the caller has ended is not the store's.
bool is_failure(const Error& error) {
  switch (error.code) {
    case Errc::not_found:
    case Errc::already_exists:
    case Errc::precondition_failed:
    case Errc::out_of_range:
    case Errc::cancelled:
      return false;
    default:
      return true;
  }
}

class CountedBackend final : public Backend {
 public:
  CountedBackend(std::shared_ptr<Backend> inner, std::shared_ptr<RequestCounter> counter)
      : inner_(std::move(inner)), counter_(std::move(counter)), by_itself_(inner_->counts_requests()) {}

  std::string_view type() const noexcept override { return inner_->type(); }
  Capabilities capabilities() const noexcept override { return inner_->capabilities(); }
  std::string url() const override { return inner_->url(); }
  bool counts_requests() const noexcept override { return true; }

  Result<ObjectInfo> put(std::string_view key, Source& body, const PutOptions& options, const Call& call) override {
    return counted(RequestClass::put, call, [&](const Call& one) { return inner_->put(key, body, options, one); });
  }
  Result<std::uint64_t> get(std::string_view key, ByteRange range, Sink& out, const Call& call) override {
    return counted(RequestClass::get, call, [&](const Call& one) { return inner_->get(key, range, out, one); });
  }
  Result<ObjectInfo> stat(std::string_view key, const Call& call) override {
    return counted(RequestClass::stat, call, [&](const Call& one) { return inner_->stat(key, one); });
  }
  Result<void> list(std::string_view prefix, std::string_view after, const Visitor& visitor,
                    const Call& call) override {
    return counted(RequestClass::list, call,
                   [&](const Call& one) { return inner_->list(prefix, after, visitor, one); });
  }
  Result<void> remove(std::string_view key, const Call& call) override {
    return counted(RequestClass::remove, call, [&](const Call& one) { return inner_->remove(key, one); });
  }
  Result<void> remove_folders(std::string_view folder, const Call& call) override {
    return counted(RequestClass::other, call, [&](const Call& one) { return inner_->remove_folders(folder, one); });
  }
  void rest() noexcept override { inner_->rest(); }

 private:
  template <class Run>
  auto counted(RequestClass kind, const Call& call, const Run& run) -> decltype(run(call)) {
    Call one = call;
    one.requests = counter_.get();
    if (by_itself_ || !call.check(name(kind))) return run(one);
    auto result = run(one);
    RequestTally tally{.requests = 1, .errors = 0, .retries = call.attempt > 0 ? std::uint64_t{1} : 0};
    if (!result && is_failure(result.error())) tally.errors = 1;
    if constexpr (!std::is_void_v<typename decltype(run(call))::value_type>) {
      if (kind == RequestClass::put) tally.bytes_sent = bytes_of(result);
      if (kind == RequestClass::get) tally.bytes_received = bytes_of(result);
    }
    counter_->add(kind, tally);
    return result;
  }

  std::shared_ptr<Backend> inner_;
  std::shared_ptr<RequestCounter> counter_;
  const bool by_itself_;
};

}  // namespace

std::unique_ptr<Backend> make_counted_backend(std::shared_ptr<Backend> inner, std::shared_ptr<RequestCounter> counter) {
  return std::make_unique<CountedBackend>(std::move(inner), std::move(counter));
}

}  // namespace replica
