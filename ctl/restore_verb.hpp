// The verb restore, also under the name of the peer.
#pragma once

#include <iostream>

#include "verb.hpp"

namespace litestreamctl {

struct RestoreStyle {
  std::ostream* log = &std::cerr;  // for what a run tells of itself
  bool as_peer = false;            // log lines even for one sentence; the summary of -follow has no txid
};
Verb restore_verb(const RestoreStyle& style);

}  // namespace litestreamctl
