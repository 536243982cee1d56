// Durations and byte sizes in the notation of the configuration file.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "replica/result.hpp"

namespace config {

using Duration = std::chrono::nanoseconds;

// "300ms", "1.5h", "1h30m5s", "-2s", "0"; units ns us µs ms s m h. A number without a unit is refused (but 0): the peer
// would read it as nanoseconds, which nobody means.
replica::Result<Duration> parse_duration(std::string_view text);
// "24h0m0s", "1.5s", "2µs", "0s".
std::string format_duration(Duration duration);

// "1048576", "5MB", "1.5 GiB", "1,024 k": decimal units unless there is an i. Case does not matter.
replica::Result<std::uint64_t> parse_size(std::string_view text);

// Whole milliseconds, upwards, so that a positive time stays one.
std::chrono::milliseconds to_milliseconds(Duration duration);

}  // namespace config
