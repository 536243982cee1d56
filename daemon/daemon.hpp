// litestreamd at work: start what the configuration says, wait for signals, flush and stop in order.
#pragma once

#include <string>

#include "config/config.hpp"

namespace litestreamd {

struct DaemonOptions {
  config::Config config;
  config::LoadOptions load;        // for files named in control calls
  std::string log_level;           // of the command line; empty = not given
  bool force_snapshot = false;     // with -once
  bool enforce_retention = false;  // with -once
};

// Until SIGTERM or SIGINT, or the end of the exec child. The exit status: 0; 1 when something failed, the final upload
// of a database included; the child's when it was its end.
int run_daemon(DaemonOptions options);

// Captures and uploads every enabled database one time. 0, or 1 when one of them failed.
int run_once(const DaemonOptions& options);

}  // namespace litestreamd
