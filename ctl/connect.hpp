// Where the daemon is and who we are to it: the flags for that, and the connection.
#pragma once

#include <chrono>
#include <span>

#include "control/client.hpp"
#include "verb.hpp"

namespace litestreamctl {

// -socket, -addr, -token-file, -ca, -cert, -key.
std::span<const cli::Flag> connection_flags();

// By -socket or -addr; the token is that of -token-file, else LITESTREAM_TOKEN.
tl::expected<control::Client, Problem> connect(const cli::Arguments& args, std::chrono::milliseconds timeout);

}  // namespace litestreamctl
