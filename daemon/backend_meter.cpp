#include "backend_meter.hpp"

#include <functional>

namespace litestreamd {

using replica::Call;
using replica::ObjectInfo;
using replica::Result;

namespace {

std::uint64_t bytes_of(const Result<ObjectInfo>& r) { return r ? r->size : 0; }
std::uint64_t bytes_of(const Result<std::uint64_t>& r) { return r ? *r : 0; }
std::uint64_t bytes_of(const Result<void>&) { return 0; }

std::size_t hash_of(std::string_view database) { return std::hash<std::string_view>()(database); }

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
  std::string url() const override { return inner_->url(); }
  bool counts_requests() const noexcept override { return inner_->counts_requests(); }
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
  void rest() noexcept override { inner_->rest(); }

 private:
  std::shared_ptr<replica::Backend> inner_;
  BackendMeter& meter_;
};

}  // namespace

void BackendMeter::expect(std::string_view type) {
  const std::lock_guard lock(mutex_);
  of_type(type);
}

BackendMeter::ByType::value_type& BackendMeter::of_type(std::string_view type) {
  const auto known = all_.find(type);
  return known != all_.end() ? *known : *all_.try_emplace(std::string(type)).first;
}

std::shared_ptr<replica::RequestCounter> BackendMeter::counter(std::string_view type, const std::string& database) {
  const std::lock_guard lock(mutex_);
  if (counters_.size() >= room_) forget_ended();
  auto& of_all = of_type(type);
  auto counter = std::allocate_shared<replica::RequestCounter>(
      std::pmr::polymorphic_allocator<replica::RequestCounter>(&lasting_), &of_all.second);
  counters_.emplace(hash_of(database), Counted{.type = &of_all, .counter = counter});
  return counter;
}

std::shared_ptr<replica::Backend> BackendMeter::watch(std::shared_ptr<replica::Backend> inner,
                                                      std::shared_ptr<replica::RequestCounter> counter) {
  std::shared_ptr<replica::Backend> counted = replica::make_counted_backend(std::move(inner), std::move(counter));
  return std::make_shared<MeteredBackend>(std::move(counted), *this);
}

void BackendMeter::forget_ended() {
  std::erase_if(counters_, [](const auto& one) { return one.second.counter.expired(); });
  room_ = std::max<std::size_t>(64, 2 * counters_.size());
}

std::size_t BackendMeter::watched() const {
  const std::lock_guard lock(mutex_);
  return counters_.size();
}

RequestsByType BackendMeter::requests_of(std::string_view database) const {
  const std::lock_guard lock(mutex_);
  RequestsByType out;
  const auto [begin, end] = counters_.equal_range(hash_of(database));
  for (auto one = begin; one != end; ++one)
    if (const auto counter = one->second.counter.lock()) out[one->second.type->first] += counter->counts();
  return out;
}

RequestsByType BackendMeter::requests() const {
  const std::lock_guard lock(mutex_);
  RequestsByType out;
  for (const auto& [type, counter] : all_) out[type] = counter.counts();
  return out;
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
