// What the backends take from the machine they run on: variables, small files, time.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "replica/clock.hpp"

namespace replica::backend {

using Environment = std::function<std::optional<std::string>(std::string_view)>;

std::optional<std::string> process_environment(std::string_view name);
const Clock& system_clock();

// A whole file of at most 1 MiB; empty when it is not there.
Result<std::string> read_small_file(const std::string& path);

// Without blanks and line ends around it.
std::string trimmed(std::string_view text);

// The call, with no more than that patience.
Call within(const Call& call, std::chrono::milliseconds patience);

// For what is to be cleared away although the call may be over: with what is left of its time, at most `patience`. When
// nothing is left it gets a moment, for somebody waits for the answer.
Call in_any_case(const Call& call, std::chrono::milliseconds patience);

}  // namespace replica::backend
