// Backend::list over the directories of the server.
#pragma once

#include "backend/sftp/pool.hpp"

namespace replica::backend::sftp {

// Reads only the directories that can hold the prefix, one at a time. No connection is held while the visitor runs.
Result<void> walk(Pool& pool, const std::string& root, std::string_view prefix, std::string_view after,
                  const Backend::Visitor& visitor, const Call& call);

}  // namespace replica::backend::sftp
