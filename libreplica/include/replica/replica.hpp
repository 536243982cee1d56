// LTX files on any backend: names, levels, order and times, written once. Layout: docs/store-layout.md.
#pragma once

#include <memory>
#include <vector>

#include "replica/backend.hpp"
#include "replica/ltx.hpp"

namespace replica {

// How the level appears in keys: "<path>/ltx/<level>/" (most backends) or "<path>/<level as 4 hex digits>/" (s3, oss).
enum class KeyLayout { ltx_folder, hex_levels };

// Safe from any thread at once.
class Replica {
 public:
  // `path` is a key prefix, possibly empty, without slashes at its ends.
  Replica(std::shared_ptr<Backend> backend, std::string path, KeyLayout layout = KeyLayout::ltx_folder);

  std::string_view type() const noexcept { return backend_->type(); }
  const std::shared_ptr<Backend>& backend() const noexcept { return backend_; }
  const std::string& path() const noexcept { return path_; }
  KeyLayout layout() const noexcept { return layout_; }
  std::string key(Level level, TxRange range) const;

  // How a file's created_at is found: as the store lists it, or from each LTX header (one ranged get a file).
  enum class Times { listed, from_headers };
  // Ascending by (min, max); only files with min ≥ `from`. Names that are no LTX names are passed over. A level that
  // was never written is empty.
  Result<std::vector<LtxFileInfo>> list(Level level, TxId from, const Call& call, Times times = Times::listed) const;

  // Stores `body`, created at `created_at` (the header's timestamp), durable on return.
  Result<LtxFileInfo> write(Level level, TxRange range, Timestamp created_at, Source& body, const Call& call);
  // A sequential reader that fetches ranges as it goes (blocks of `block` bytes) and tries a failed block again through
  // the backend's own decorators. Checks that the object has `file.size` bytes. `call` must outlive it (it is copied).
  Result<std::unique_ptr<Reader>> open(const LtxFileInfo& file, const Call& call, std::size_t block = 1U << 20) const;
  Result<LtxHeader> read_header(const LtxFileInfo& file, const Call& call) const;
  // Missing files are not an error. Stops at the first failure.
  Result<void> remove(const std::vector<LtxFileInfo>& files, const Call& call);

  // Highest max TXID over all levels; 0 when there is nothing. One listing a level.
  Result<TxId> last_txid(const Call& call) const;

 private:
  std::string level_prefix(Level level) const;
  std::shared_ptr<Backend> backend_;
  std::string path_;
  KeyLayout layout_;
};

}  // namespace replica
