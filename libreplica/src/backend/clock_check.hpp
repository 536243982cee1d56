// Whether our clock is why a store refuses us.
#pragma once

#include <string>

#include "http/message.hpp"
#include "replica/types.hpp"

namespace replica::backend {

// "set the clock of this machine: it is 20 minutes behind that of the store", by the answer's Date; empty when they are
// less than five minutes apart, which all stores allow, or when there is none.
std::string clock_hint(const http::Response& answer, Timestamp now);

}  // namespace replica::backend
