// One 64-bit hash a page of the database as of one TXID: what re-anchoring compares with when continuity cannot be
// proved. Own file `page-hashes` in the meta directory; the peer ignores it. docs/store-layout.md says the bytes.
//
// Crash-safe without a journal: before the first hash is written in place the header is marked with the TXID the map is
// moving to; hashes are written and synced, and only then the TXID moves on. After a crash in between the map is not
// whole(): its hashes are those of some TXID up to the mark. Folding in the level-0 files after txid() makes it whole
// again.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "io/file.hpp"
#include "replica/ltx.hpp"

namespace replica::store {

std::uint64_t page_hash(Bytes image) noexcept;  // XXH3-64

// Memory: 64 KiB to read and about 1 MiB of changes, whatever the size of the database. One thread at a time.
class PageHashMap {
 public:
  // nullopt when there is none or it is damaged (a damaged one is removed).
  static Result<std::optional<PageHashMap>> open(const std::string& meta_path, io::Gate* gate = nullptr);
  // An empty one at TXID 0 that replaces what is there.
  static Result<PageHashMap> create(const std::string& meta_path, std::uint32_t page_size, io::Gate* gate = nullptr);
  // Durable: one that came back after a power failure could pass for that of another history.
  static Result<void> remove(const std::string& meta_path, io::Gate* gate = nullptr);

  TxId txid() const noexcept { return txid_; }
  std::uint32_t commit() const noexcept { return commit_; }
  std::uint32_t page_size() const noexcept { return page_size_; }
  // False after a crash or a failed fold(), until the files up to the mark were folded in.
  bool whole() const noexcept { return !mark_; }

  // Hash of a page as of txid(); nullopt beyond commit(). 0 = not known: a page never set, and every page while the map
  // is not whole(), for a hash could then be of a state that no LTX file holds.
  Result<std::optional<std::uint64_t>> get(PageNo page) const;
  // Pages come in roughly ascending order; buffered. Seen by get() after commit() only. Unless txid() is 0, set only
  // what a durable LTX file holds.
  Result<void> set(PageNo page, std::uint64_t hash);
  // All set() so far becomes durable and is the state at `txid`. After a failure here or in set() open the map again.
  Result<void> commit(TxId txid, std::uint32_t commit);
  // Folds a level-0 file in (its pages, commit and max TXID). The file must follow on txid(), or, when that is 0, hold
  // every page; else, and when it is damaged or of another page size, `corrupt`. After a failure it may be tried again.
  // Three syncs: call it before files are deleted and before closing, not for every capture.
  Result<void> fold(Reader& ltx_file);

 private:
  struct Entry {
    PageNo page = 0;
    std::uint32_t order = 0;  // of two hashes for one page the later one counts
    std::uint64_t hash = 0;
  };
  struct Header;
  PageHashMap() = default;
  std::uint32_t next_order() const noexcept { return static_cast<std::uint32_t>(pending_.size()); }
  static std::optional<Header> newest_header(Bytes slots);
  Result<void> write_header(TxId txid, std::uint32_t commit, TxId mark);
  Result<void> commit_batch(TxId txid, std::uint32_t commit);
  Result<void> begin_batch(TxId target);
  Result<void> spill(TxId target);
  Result<void> fold_pages(LtxDecoder& decoder);
  void abandon_batch();
  static Failure unusable();

  io::File file_;
  TxId txid_;
  std::uint32_t page_size_ = 0, commit_ = 0;
  std::uint64_t sequence_ = 0;  // of the newest header
  TxId mark_;                   // left by a batch that did not end; 0 = whole
  TxId batch_;                  // 0 = nothing written in place since the last commit
  bool failed_ = false;
  std::uint64_t stored_ = 0;  // hashes the file has room for
  std::vector<Entry> pending_;
  mutable std::vector<std::byte> window_;  // hashes as stored
  mutable PageNo window_first_ = 0;        // page of the first; 0 = empty
};

}  // namespace replica::store
