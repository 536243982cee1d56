// litestreamctl under the name of the peer: its command lines, texts and exit statuses, so that scripts and unit files
// written for it keep working. It talks to daemons of both kinds.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace litestreamctl::peer {

// "litestream" and "/usr/bin/litestream".
bool is_peer_name(std::string_view program);

// The exit status; `words` without the name of the program.
int run(std::span<const std::string> words);

}  // namespace litestreamctl::peer
