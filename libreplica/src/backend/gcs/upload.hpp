// Bodies on their way into a bucket: small ones in one request with their description, large ones in pieces.
#pragma once

#include "backend/gcs/bucket.hpp"

namespace replica::gcs {

struct Upload {
  std::string_view key;   // for messages
  std::string store_key;  // of the store
  const PutOptions& put;
  std::uint64_t piece = 0;  // a multiple of kPieceUnit
};
inline constexpr std::uint64_t kPieceUnit = std::uint64_t{256} << 10U;  // Google takes multiples of it only

// Both return what was stored. A body of another length than it says is `corrupt` and leaves nothing.
Result<ObjectInfo> put_whole(Bucket& bucket, Source& body, const Upload& upload, const Call& call);
// Holds a piece in memory. After a failure that may pass it asks how much has arrived and goes on there; after three
// without progress it gives up. Whatever fails cancels the upload.
Result<ObjectInfo> put_resumable(Bucket& bucket, Source& body, const Upload& upload, const Call& call);

}  // namespace replica::gcs
