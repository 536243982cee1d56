// Asking the daemon: what the verbs that need one have in common.
#pragma once

#include <chrono>

#include "control/client.hpp"
#include "control/methods.hpp"
#include "verb.hpp"

namespace litestreamctl {

inline constexpr cli::Flag kTimeoutFlag{"timeout", "SECONDS", "Maximum wait time", "30"};

// -timeout, else 30 s.
tl::expected<std::chrono::milliseconds, Problem> timeout_of(const cli::Arguments& args);

// Whole seconds as an integer, as everybody writes them.
boost::json::value seconds(std::chrono::milliseconds time);

// The daemon has a working directory of its own: paths travel absolute.
tl::expected<boost::json::value, Problem> absolute(const std::string& path);

// What the options say, as parameters of the method; its required parameters are not looked at.
tl::expected<boost::json::object, Problem> options_of(const control::Method& method, const cli::Arguments& args);

// Connects as the flags say, with the patience of -timeout.
tl::expected<control::Client, Problem> dial(const cli::Arguments& args);

// Is stdout a terminal, and was -json not given?
bool wants_text(const cli::Arguments& args);

}  // namespace litestreamctl
