#include "backend_meter.hpp"

namespace litestreamd {

using replica::Call;
using replica::ObjectInfo;
using replica::Result;

namespace {

std::uint64_t bytes_of(const Result<ObjectInfo>& r) { return r ? r->size : 0; }
std::uint64_t bytes_of(const Result<std::uint64_t>& r) { return r ? *r : 0; }
std::uint64_t bytes_of(const Result<void>&) { return 0; }

class MeteredBackend final : public replica::Backend {
  template <class F>
  auto measure(std::string_view operation, const F& run, bool moves_bytes = true) {
    const auto begin = meter_.clock().steady();
    auto result = run();
    const std::chrono::duration<double> took = meter_.clock().steady() - begin;
    meter_.record(inner_->type(), operation, moves_bytes ? bytes_of(result) : 0, took.count(),
                  result ? nullptr : &result.error());
    return result;
  }

 public:
  MeteredBackend(std::shared_ptr<replica::Backend> inner, BackendMeter& meter)
      : inner_(std::move(inner)), meter_(meter) {}

  std::string_view type() const noexcept override { return inner_->type(); }
  replica::Capabilities capabilities() const noexcept override { return inner_->capabilities(); }
  Result<ObjectInfo> put(std::string_view key, replica::Source& body, const replica::PutOptions& options,
                         const Call& call) override {
    return measure("PUT", [&] { return inner_->put(key, body, options, call); });
  }
  Result<std::uint64_t> get(std::string_view key, replica::ByteRange range, replica::Sink& out,
                            const Call& call) override {
    return measure("GET", [&] { return inner_->get(key, range, out, call); });
  }
  Result<ObjectInfo> stat(std::string_view key, const Call& call) override {
    return measure("STAT", [&] { return inner_->stat(key, call); }, false);
  }
  Result<void> list(std::string_view prefix, std::string_view after, const Visitor& visit, const Call& call) override {
    return measure("LIST", [&] { return inner_->list(prefix, after, visit, call); });
  }
  Result<void> remove(std::string_view key, const Call& call) override {
    return measure("DELETE", [&] { return inner_->remove(key, call); });
  }
  Result<void> remove_folders(std::string_view name, const Call& call) override {
    return measure("DELETE", [&] { return inner_->remove_folders(name, call); });
  }

 private:
  std::shared_ptr<replica::Backend> inner_;
  BackendMeter& meter_;
};

}  // namespace

std::shared_ptr<replica::Backend> BackendMeter::watch(std::shared_ptr<replica::Backend> inner) {
  return std::make_shared<MeteredBackend>(std::move(inner), *this);
}

std::vector<OperationStats> BackendMeter::stats() const {
  const std::lock_guard lock(mutex_);
  std::vector<OperationStats> out;
  out.reserve(stats_.size());
  for (const auto& entry : stats_) out.push_back(entry.second);
  return out;
}

void BackendMeter::record(std::string_view type, std::string_view operation, std::uint64_t bytes, double seconds,
                          const replica::Error* error) {
  const std::lock_guard lock(mutex_);
  OperationStats& s = stats_[{std::string(type), std::string(operation)}];
  s.replica_type = type;
  s.operation = operation;
  ++s.count;
  s.bytes += bytes;
  s.seconds += seconds;
  for (std::size_t i = 0; i < kOperationBuckets.size(); ++i) {
    if (seconds > kOperationBuckets[i]) continue;
    ++s.buckets[i];
    break;
  }
  if (error != nullptr) ++s.errors[std::string(replica::name(error->code))];
}

}  // namespace litestreamd
