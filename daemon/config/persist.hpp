// What was changed at run time, written into the configuration file: socket.persist-to-config and the parameter
// `persist` of control calls. Only the one word or the one entry is changed; comments, order, variables and all the
// rest stay as they are.
#pragma once

#include <string>
#include <variant>

#include "config/config.hpp"
#include "config/known_file.hpp"

namespace config {

// `enabled` of one database. `added` is written as a new entry when none has its path; without it that is not_found.
struct SetEnabled {
  std::string path;
  bool enabled = true;
  const DatabaseSettings* added = nullptr;
};

// The entry of a database is taken out. One that is not there is no error.
struct RemoveEntry {
  std::string path;
};

using Change = std::variant<SetEnabled, RemoveEntry>;

// `raw` (the text of a configuration file, before expansion) with the change made. The result was read again and says
// what it should; invalid_argument when the file is written so that it does not.
replica::Result<std::string> with_change(const std::string& raw, const Change& change, const LoadOptions& options);

// Does that to a file, which then has the new text or still the old one. Links are followed, mode and owner are kept.
// precondition_failed, and nothing is written, when the file has no longer the content that is `known`, unless it says
// already what it should. One caller at a time.
replica::Result<void> persist(const std::string& file, const Change& change, const LoadOptions& options,
                              KnownFile& known);

}  // namespace config
