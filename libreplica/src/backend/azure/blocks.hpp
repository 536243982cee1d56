// A large body in blocks, several at once, which the last request makes a blob. The service forgets the blocks of an
// upload that was not ended after a week; it has no request for that.
#pragma once

#include "backend/azure/container.hpp"
#include "backend/parts.hpp"

namespace replica::azure {

inline constexpr std::uint64_t kMostBlocks = 50'000;

// `headers` are those of the new blob.
Result<void> put_in_blocks(Container& container, const std::string& store_key, std::string_view key, Source& body,
                           const std::vector<http::Header>& headers, backend::PartOptions options, const Call& call);

}  // namespace replica::azure
