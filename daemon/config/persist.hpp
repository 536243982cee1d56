// socket.persist-to-config: what was started and stopped at run time, written into the configuration file. Only the one
// word is changed or the one entry added; comments, order, variables and all the rest stay as they are.
#pragma once

#include <string>

#include "config/config.hpp"

namespace config {

// `raw` (the text of a configuration file, before expansion) with `enabled` of one database set. `added` is written as
// a new entry when none has its path; without it that is not_found. The result was read again and says what it should;
// invalid_argument when the file is written so that it does not.
replica::Result<std::string> with_enabled(const std::string& raw, const std::string& path, bool enabled,
                                          const DatabaseSettings* added, const LoadOptions& options);

// Does that to a file, which then has the new text or still the old one. Links are followed, mode and owner are kept.
// One caller at a time.
replica::Result<void> persist_enabled(const std::string& file, const std::string& path, bool enabled,
                                      const DatabaseSettings* added, const LoadOptions& options);

// One entry of dbs in block form, with the keys that differ from the defaults, each line but the first behind `indent`.
std::string entry_text(const DatabaseSettings& settings, bool enabled, const std::string& indent);

}  // namespace config
