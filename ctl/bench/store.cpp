#include "bench/store.hpp"

#include <algorithm>
#include <atomic>
#include <mutex>
#include <thread>
#include <vector>

#include "bench/noise.hpp"
#include "replica/replica.hpp"

namespace litestreamctl::bench {

using replica::Errc;
using replica::pass;
using replica::Result;

namespace {

constexpr std::size_t kMostObjects = 100;
constexpr std::uint64_t kBlock = 1U << 20U;  // of a reader at work beside others
constexpr std::uint64_t kLargeSeed = ~std::uint64_t{0};

class StoreRun {
 public:
  StoreRun(const std::shared_ptr<replica::Backend>& backend, const StorePlan& plan, const Meter& meter)
      : backend_(backend),
        plan_(plan),
        meter_(meter),
        large_(backend, plan.prefix + "/large"),
        repeat_{.time = plan.time / 4, .most = kMostObjects} {}

  Result<StoreMeasures> run() {
    if (auto done = small_objects(); !done) return pass(done);
    if (auto done = large_object(); !done) return pass(done);
    return out_;
  }

 private:
  std::string small(std::size_t number) const { return plan_.prefix + "/small/" + std::to_string(number); }

  Result<void> put(std::size_t number) {
    NoiseSource body(number, kSmall);
    auto stored = backend_->put(small(number), body, {}, meter_.call);
    return stored ? Result<void>() : Result<void>(pass(stored));
  }
  Result<void> get(std::size_t number) {
    NoiseSink sink(number, 0);
    auto got = backend_->get(small(number), {}, sink, meter_.call);
    if (!got) return pass(got);
    if (sink.count() != kSmall) return replica::fail(Errc::corrupt, "what was put comes back with another size");
    return {};
  }
  Result<void> stat(std::size_t number) {
    auto info = backend_->stat(small(number), meter_.call);
    return info ? Result<void>() : Result<void>(pass(info));
  }
  Result<void> list(std::size_t expected) {
    std::size_t found = 0;
    const auto count = [&](const replica::ObjectInfo&) { return ++found, true; };
    if (auto listed = backend_->list(plan_.prefix + "/small/", {}, count, meter_.call); !listed) return listed;
    if (found == expected) return {};
    return replica::fail(Errc::corrupt, "the listing gives " + std::to_string(found) + " objects instead of " +
                                            std::to_string(expected));
  }

  template <class Once>
  Result<void> measure(const char* what, Spread& out, Once once) {
    auto spread = repeated(meter_, repeat_, once);
    if (!spread) return pass(spread, what);
    out = *spread;
    return {};
  }
  Result<void> small_objects() {
    if (auto done = measure("put", out_.put, [&](std::size_t i) { return put(i); }); !done) return done;
    const std::size_t count = out_.put.count;
    if (auto done = measure("get", out_.get, [&](std::size_t i) { return get(i % count); }); !done) return done;
    if (auto done = measure("stat", out_.stat, [&](std::size_t i) { return stat(i % count); }); !done) return done;
    return measure("list", out_.list, [&](std::size_t) { return list(count); });
  }

  Result<void> large_object() {
    NoiseSource body(kLargeSeed, plan_.size);
    const replica::TxRange range{.min = {1}, .max = {1}};
    const auto begin = meter_.clock.steady();
    auto file = large_.write(replica::kSnapshotLevel, range, meter_.clock.now(), body, meter_.call);
    if (!file) return pass(file, "put of a large object");
    out_.up = {.bytes = plan_.size, .ms = meter_.since(begin).count()};
    if (auto read = read_in_order(*file); !read) return pass(read, "get of a large object");
    if (auto read = read_at_once(large_.key(replica::kSnapshotLevel, range)); !read)
      return pass(read, "get of a large object in parts");
    return {};
  }

  Result<void> read_in_order(const replica::LtxFileInfo& file) {
    const auto begin = meter_.clock.steady();
    auto reader = large_.open(file, meter_.call);
    if (!reader) return pass(reader);
    NoiseSink sink(kLargeSeed, 0);
    std::vector<std::byte> buffer(std::size_t{64} << 10U);
    while (true) {
      auto count = (*reader)->read(buffer);
      if (!count) return pass(count);
      if (*count == 0) break;
      if (auto same = sink.write(replica::Bytes(buffer).first(*count)); !same) return same;
    }
    out_.down = {.bytes = sink.count(), .ms = meter_.since(begin).count()};
    return {};
  }

  Result<void> read_at_once(const std::string& key) {
    std::atomic<std::uint64_t> next = 0;
    std::mutex mutex;  // of `result`
    Result<void> result;
    const auto read_some = [&] {
      for (std::uint64_t offset = next.fetch_add(kBlock); offset < plan_.size; offset = next.fetch_add(kBlock)) {
        NoiseSink sink(kLargeSeed, offset);
        const replica::ByteRange range{.offset = offset, .length = std::min(kBlock, plan_.size - offset)};
        auto got = backend_->get(key, range, sink, meter_.call);
        if (got) continue;
        const std::lock_guard lock(mutex);
        if (result) result = pass(got);
        next = plan_.size;
      }
    };
    const auto begin = meter_.clock.steady();
    {
      std::vector<std::jthread> readers;
      readers.reserve(kReaders);
      for (int i = 0; i < kReaders; ++i) readers.emplace_back(read_some);
    }
    out_.down_at_once = {.bytes = plan_.size, .ms = meter_.since(begin).count()};
    return result;
  }

  std::shared_ptr<replica::Backend> backend_;
  const StorePlan& plan_;
  const Meter& meter_;
  replica::Replica large_;
  Repeat repeat_;
  StoreMeasures out_;
};

}  // namespace

Result<StoreMeasures> measure_store(const std::shared_ptr<replica::Backend>& backend, const StorePlan& plan,
                                    const Meter& meter) {
  return StoreRun(backend, plan, meter).run();
}

}  // namespace litestreamctl::bench
