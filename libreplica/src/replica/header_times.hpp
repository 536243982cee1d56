// The times of many files, read from their headers with several requests in flight.
#pragma once

#include <functional>
#include <vector>

#include "replica/replica.hpp"

namespace replica {

using ReadHeader = std::function<Result<LtxHeader>(const LtxFileInfo&)>;

// Sets created_at of each file to its header's timestamp. `read` is called from several threads at once. A file that is
// gone meanwhile is dropped, as if listed a moment later; any other failure fails the whole.
Result<void> date_from_headers(std::vector<LtxFileInfo>& files, const ReadHeader& read);

}  // namespace replica
