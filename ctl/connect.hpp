// Where the daemon is and who we are to it: the flags for that, and the connection.
#pragma once

#include <chrono>

#include "control/client.hpp"
#include "verb.hpp"

namespace litestreamctl {

// Those of a verb, and -socket, -addr, -token-file, -ca, -cert, -key.
std::vector<cli::Flag> with_connection_flags(std::vector<cli::Flag> own);

// By -socket or -addr; the token is that of -token-file, else LITESTREAM_TOKEN.
tl::expected<control::Client, Problem> connect(const cli::Arguments& args, std::chrono::milliseconds timeout);

}  // namespace litestreamctl
