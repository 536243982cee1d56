// The local tree of level-0 LTX files beside a database: `.NAME-litestream/ltx/0/`. Same layout and headers as the
// peer's, so that a daemon of either kind can take over. The newest file's header is the resume point.
// docs/store-layout.md.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "io/file.hpp"
#include "replica/ltx.hpp"

namespace replica::store {

// "<dir>/.<name>-litestream"
std::string default_meta_path(const std::string& database_path);

// Of a database of so many pages at most, what can be made again soon is put off at its beginning: of very many that
// begin at once that is half of all syncs.
inline constexpr std::uint32_t kSmallDatabase = 256;

// Not safe for use from two threads at once, except read-only calls on files that exist.
class LocalStore {
 public:
  // Made: the caller has just made the meta directory and not synced its parent, so that nothing in it can be older.
  enum class Meta { found, made };
  // Makes the directories (mode and owner as the database's), removes *.tmp, scans the names.
  static Result<LocalStore> open(std::string meta_path, const std::string& database_path, io::Gate* gate = nullptr,
                                 Meta meta = Meta::found);

  const std::string& meta_path() const noexcept { return meta_path_; }
  std::string file_path(TxRange range) const;

  // Ascending, level 0. Kept in memory; no listing after open.
  const std::vector<LtxFileInfo>& files() const noexcept { return files_; }
  TxId last() const noexcept;  // highest max TXID; 0 when empty
  // Header of the newest file after the whole file was verified; nullopt when empty. A damaged newest file is moved
  // aside
  // (".damaged" appended) with everything the caller needs in the error: `corrupt`. The next call looks at the one
  // before.
  Result<std::optional<LtxHeader>> verify_newest();
  Result<LtxHeader> header(TxRange range) const;

  // A new file, complete and durable after commit(); but the name of the first in a new meta directory, when that is
  // TXID 1 of a small database, only with the next one. The name is that of `header.range`. The store must stay where
  // it is (no move) while one is open.
  class NewFile {
   public:
    Writer& out() noexcept { return file_; }
    Result<void> commit();  // the store then lists it

   private:
    friend class LocalStore;
    NewFile(LocalStore& store, io::AtomicFile file, const LtxHeader& header)
        : store_(&store), file_(std::move(file)), header_(header) {}
    LocalStore* store_;
    io::AtomicFile file_;
    LtxHeader header_;
  };
  Result<NewFile> create(const LtxHeader& header);
  // Puts a file that already is an LTX file (fetched from the replica) in place, after verifying all of it.
  Result<void> import(Reader& body, TxRange range);

  Result<std::unique_ptr<Source>> open_file(TxRange range) const;
  Result<void> remove(TxRange range);
  // Removes every level-0 file, the newest last: it is the resume point of a clear() that was cut short.
  Result<void> clear();

 private:
  LocalStore() = default;
  std::string levels_path() const;
  bool may_wait(const LtxHeader& header) const;
  Result<void> settle();
  enum class Levels { are_new, may_hold_some };
  Result<void> remove_temp_files(Levels levels);
  Result<std::vector<std::string>> level_directories() const;
  Result<void> rescan();
  Result<void> set_aside(const LtxFileInfo& file);
  void add(const LtxFileInfo& file);
  void forget(TxRange range);
  std::string meta_path_, level_path_;
  std::optional<io::FileInfo> file_like_, directory_like_;
  std::vector<LtxFileInfo> files_;
  bool all_new_ = false;  // the meta directory is, and no file has been there
  bool settled_ = false;  // the names of the directories are durable, and those of the files that were put off
  io::Gate* gate_ = nullptr;
};

}  // namespace replica::store
