// What litestreamctl can do: one Verb a word of its command line.
#pragma once

#include <functional>
#include <string>
#include <tl/expected.hpp>
#include <vector>

#include "cli/flags.hpp"
#include "control/error.hpp"

namespace litestreamctl {

inline constexpr int kUsageError = 2;

// Every exit status there is, for the manual.
struct ExitStatus {
  int value;
  const char* meaning;
};
inline constexpr ExitStatus kExitStatuses[] = {
    {EXIT_SUCCESS, "All was done. Of start, stop and sync on many databases: each of them succeeded."},
    {EXIT_FAILURE, "It failed; the reason is on standard error. Of many databases: at least one failed."},
    {kUsageError, "The command line makes no sense; nothing was done."},
};

// Why a verb failed, and the exit status that says so.
struct Problem {
  std::string message;
  std::string hint{};
  int status = EXIT_FAILURE;
};
using Outcome = tl::expected<void, Problem>;

tl::unexpected<Problem> problem(const replica::Error& error);
tl::unexpected<Problem> problem(const control::Error& error);
// A command line that makes no sense: exit status 2. `example` is shown as "Try: …".
tl::unexpected<Problem> misuse(std::string message, const std::string& example = {});

// To stdout.
Outcome printed(const std::string& text);

struct Verb {
  std::string name;
  std::string arguments;  // "DB_PATH"
  std::string summary;
  std::vector<cli::Flag> flags;
  std::function<Outcome(const cli::Arguments&)> run;
};

// start, stop, sync, status, list, info: from the method table of the control protocol.
std::vector<Verb> control_verbs();
Verb rpc_verb();
Verb top_verb();
// What works without a daemon.
Verb restore_verb();
Verb ltx_verb();
Verb databases_verb();
Verb reset_verb();
Verb check_backend_verb();
Verb bench_verb();
Verb version_verb();
Verb completion_verb();
Verb manual_verb();

// In the order of the overview.
std::vector<Verb> all_verbs();

// Flags that several offline verbs take.
inline constexpr cli::Flag kConfigFlag{"config", "PATH",
                                       "configuration file (LITESTREAM_CONFIG, else /etc/litestream.yml)"};
inline constexpr cli::Flag kNoExpandFlag{"no-expand-env", "", "leave $NAME in the configuration file as it is"};
inline constexpr cli::Flag kJsonFlag{"json", "", "print JSON"};

}  // namespace litestreamctl
