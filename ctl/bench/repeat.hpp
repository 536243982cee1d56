// Doing the same thing until it is known how long it takes.
#pragma once

#include <functional>

#include "bench/figures.hpp"
#include "replica/clock.hpp"

namespace litestreamctl::bench {

using Ms = std::chrono::duration<double, std::milli>;

// How every measurement is made. `clock` outlives them.
struct Meter {
  const replica::Clock& clock;
  replica::Call call{};  // `cancelled` once it ends

  Ms since(replica::Clock::Steady begin) const { return clock.steady() - begin; }
};

struct Repeat {
  std::chrono::milliseconds time;  // none is begun later,
  std::size_t most = 100;
  std::size_t least = 5;  // but so many in any case
};

// How long `once`, given a number from 0 on, took.
replica::Result<Spread> repeated(const Meter& meter, const Repeat& repeat,
                                 const std::function<replica::Result<void>(std::size_t)>& once);
// The same for something that says itself how long its part of interest took.
replica::Result<Spread> repeated_ms(const Meter& meter, const Repeat& repeat,
                                    const std::function<replica::Result<Ms>(std::size_t)>& once);

}  // namespace litestreamctl::bench
