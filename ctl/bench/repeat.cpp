#include "bench/repeat.hpp"

namespace litestreamctl::bench {

using replica::pass;
using replica::Result;

Result<Spread> repeated_ms(const Meter& meter, const Repeat& repeat,
                           const std::function<Result<Ms>(std::size_t)>& once) {
  std::vector<double> times;
  const auto begin = meter.clock.steady();
  while (times.size() < repeat.most && (times.size() < repeat.least || meter.since(begin) < repeat.time)) {
    if (auto open = meter.call.check("measure"); !open) return pass(open);
    auto took = once(times.size());
    if (!took) return pass(took);
    times.push_back(took->count());
  }
  return spread_of(std::move(times));
}

Result<Spread> repeated(const Meter& meter, const Repeat& repeat,
                        const std::function<Result<void>(std::size_t)>& once) {
  return repeated_ms(meter, repeat, [&](std::size_t number) -> Result<Ms> {
    const auto begin = meter.clock.steady();
    if (auto done = once(number); !done) return pass(done);
    return meter.since(begin);
  });
}

}  // namespace litestreamctl::bench
