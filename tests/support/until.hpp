// As eventually(), for tests that cannot go on without it.
#pragma once

#include "support/catch.hpp"
#include "support/patience.hpp"

namespace support {

template <class Condition>
void until(const Condition& holds) {
  REQUIRE(eventually(holds));
}

}  // namespace support
