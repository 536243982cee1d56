#include "store/local_store.hpp"

#include <algorithm>
#include <array>
#include <tuple>

namespace replica::store {
namespace {

constexpr std::string_view kTempSuffix = ".tmp";
constexpr TxRange kFirst{TxId{1}, TxId{1}};

std::string join(const std::string& directory, std::string_view name) { return directory + "/" + std::string(name); }

// nullopt when there is nothing at `path`.
Result<std::optional<io::FileInfo>> find(const std::string& path) {
  auto info = io::stat_path(path);
  if (info) return std::optional(*info);
  if (info.error().code == Errc::not_found) return std::nullopt;
  return pass(info);
}

// Hands on what it reads and keeps a copy in `copy`.
class TeeReader final : public Reader {
 public:
  TeeReader(Reader& in, Writer& copy) noexcept : in_(in), copy_(copy) {}
  Result<std::size_t> read(MutableBytes out) override {
    auto n = in_.read(out);
    if (!n) return n;
    if (auto written = copy_.write(out.first(*n)); !written) return pass(written);
    return n;
  }

 private:
  Reader& in_;
  Writer& copy_;
};

// Reads a whole LTX file, which verifies it, and checks that it is the one its name says.
Result<LtxHeader> verify(Reader& in, TxRange range) {
  auto decoder = LtxDecoder::begin(in);
  if (!decoder) return pass(decoder);
  const LtxHeader header = decoder->header();
  if (header.range != range) {
    return fail(Errc::corrupt, "ltx file named " + ltx_file_name(range) + " holds " + ltx_file_name(header.range));
  }
  for (;;) {
    auto page = decoder->next();
    if (!page) return pass(page);
    if (!*page) return header;
  }
}

}  // namespace

std::string default_meta_path(const std::string& database_path) {
  const auto slash = database_path.rfind('/');
  const auto name_at = slash == std::string::npos ? 0 : slash + 1;
  return database_path.substr(0, name_at) + "." + database_path.substr(name_at) + "-litestream";
}

Result<LocalStore> LocalStore::open(std::string meta_path, const std::string& database_path, io::Gate* gate,
                                    Meta meta) {
  LocalStore store;
  store.meta_path_ = std::move(meta_path);
  store.level_path_ = join(store.meta_path_, "ltx/0");
  store.gate_ = gate;

  auto file_like = find(database_path);
  if (!file_like) return pass(file_like, "open local store");
  store.file_like_ = *file_like;
  auto directory_like = find(io::parent_of(database_path));
  if (!directory_like) return pass(directory_like, "open local store");
  store.directory_like_ = *directory_like;

  const io::FileInfo* like = store.directory_like_ ? &*store.directory_like_ : nullptr;
  if (meta == Meta::found) {
    if (auto made = io::make_directories(store.meta_path_, gate, like); !made) return pass(made, "open local store");
  }
  auto levels = io::make_directory(store.levels_path(), gate, like);
  if (!levels) return pass(levels, "open local store");
  auto level = io::make_directory(store.level_path_, gate, like);
  if (!level) return pass(level, "open local store");
  auto cleaned = store.remove_temp_files(*levels ? Levels::are_new : Levels::may_hold_some);
  if (!cleaned) return pass(cleaned, "open local store");
  store.all_new_ = meta == Meta::made && *levels && *level;
  if (*level) return store;  // there is nothing in it
  if (auto scanned = store.rescan(); !scanned) return pass(scanned, "open local store");
  store.settled_ = store.last() > kFirst.max;  // else no such file would be there
  return store;
}

std::string LocalStore::levels_path() const { return join(meta_path_, "ltx"); }

std::string LocalStore::file_path(TxRange range) const { return join(level_path_, ltx_file_name(range)); }

TxId LocalStore::last() const noexcept {
  // A file of several TXIDs may sort before one that it covers, so the last in order need not be the newest.
  TxId last;
  for (const auto& file : files_) last = std::max(last, file.range.max);
  return last;
}

Result<std::optional<LtxHeader>> LocalStore::verify_newest() {
  if (files_.empty()) return std::nullopt;
  const LtxFileInfo newest = *std::max_element(files_.begin(), files_.end(),
                                               [](const auto& a, const auto& b) { return a.range.max < b.range.max; });
  auto source = io::FileSource::open(file_path(newest.range), gate_);
  if (!source) return pass(source, "verify newest local ltx file");
  auto header = verify(*source, newest.range);
  if (header) return std::optional(*header);
  if (header.error().code != Errc::corrupt) return pass(header, "verify newest local ltx file");

  if (auto moved = set_aside(newest); !moved) return pass(moved, "set damaged local ltx file aside");
  return fail(Errc::corrupt,
              "newest local ltx file " + file_path(newest.range) + " is damaged (" + header.error().message +
                  "); moved to " + newest.name() + ".damaged",
              "the last sound state of this database is on the replica; check the disk below " + meta_path_);
}

Result<LtxHeader> LocalStore::header(TxRange range) const {
  auto file = io::File::open(file_path(range), io::File::Mode::read, gate_);
  if (!file) return pass(file, "read local ltx header");
  std::array<std::byte, kLtxHeaderSize> bytes{};
  if (auto got = file->read_exactly_at(0, bytes); !got) return pass(got, "read local ltx header");
  auto header = parse_ltx_header(bytes);
  if (!header) return pass(header, "read header of " + file_path(range));
  if (header->range != range) {
    return fail(Errc::corrupt, "ltx file " + file_path(range) + " holds " + ltx_file_name(header->range));
  }
  return header;
}

// Lost in a power failure it is made anew, or the replica has it: nothing has been built on it yet, and no older state
// can come back in its place. docs/store-layout.md §2.
bool LocalStore::may_wait(const LtxHeader& header) const {
  return all_new_ && header.range == kFirst && header.commit <= kSmallDatabase;
}

// Makes durable what open() and the first file have put off.
Result<void> LocalStore::settle() {
  if (settled_) return {};
  std::vector<std::string> unsynced{io::parent_of(meta_path_), meta_path_, levels_path()};
  if (!files_.empty()) unsynced.push_back(level_path_);
  for (const std::string& directory : unsynced) {
    if (auto synced = io::sync_directory(directory, gate_); !synced) return synced;
  }
  settled_ = true;
  return {};
}

Result<void> LocalStore::NewFile::commit() {
  using Name = io::AtomicFile::Name;
  const bool waits = store_->may_wait(header_);
  store_->all_new_ = false;
  if (!waits) {
    if (auto settled = store_->settle(); !settled) return pass(settled, "commit local ltx file");
  }
  // The data's own time, which retention goes by and which the replica is given too.
  auto done = file_.commit(header_.timestamp, waits ? Name::unsynced : Name::durable);
  if (!done) return pass(done, "commit local ltx file");
  auto info = io::stat_path(store_->file_path(header_.range));
  if (!info) return pass(info, "commit local ltx file");
  store_->add({.level = 0, .range = header_.range, .size = info->size, .created_at = header_.timestamp});
  return {};
}

Result<LocalStore::NewFile> LocalStore::create(const LtxHeader& header) {
  if (auto valid = check_ltx_header(header); !valid) return pass(valid, "create local ltx file");
  auto file = io::AtomicFile::create(file_path(header.range), gate_, file_like_ ? &*file_like_ : nullptr);
  if (!file) return pass(file, "create local ltx file");
  return NewFile(*this, std::move(*file), header);
}

Result<void> LocalStore::import(Reader& body, TxRange range) {
  auto file = io::AtomicFile::create(file_path(range), gate_, file_like_ ? &*file_like_ : nullptr);
  if (!file) return pass(file, "import ltx file");
  TeeReader tee(body, *file);
  auto header = verify(tee, range);
  if (!header) return pass(header, "import ltx file " + ltx_file_name(range));
  return NewFile(*this, std::move(*file), *header).commit();
}

Result<std::unique_ptr<Source>> LocalStore::open_file(TxRange range) const {
  auto source = io::FileSource::open(file_path(range), gate_, io::FileSource::May::be_linked);
  if (!source) return pass(source, "open local ltx file");
  return std::make_unique<io::FileSource>(std::move(*source));
}

Result<void> LocalStore::remove(TxRange range) {
  if (auto removed = io::remove_file(file_path(range), gate_); !removed) return pass(removed, "remove local ltx file");
  forget(range);
  return {};
}

Result<void> LocalStore::clear() {
  std::vector<LtxFileInfo> oldest_first = files_;
  std::sort(oldest_first.begin(), oldest_first.end(), [](const auto& a, const auto& b) {
    return std::tie(a.range.max, a.range.min) < std::tie(b.range.max, b.range.min);
  });
  for (const auto& file : oldest_first) {
    if (auto removed = remove(file.range); !removed) return removed;
  }
  return {};
}

// ltx/ and the levels in it.
Result<std::vector<std::string>> LocalStore::level_directories() const {
  const std::string ltx_path = levels_path();
  std::vector<std::string> directories{ltx_path};
  auto levels = io::list_directory(ltx_path, gate_);
  if (!levels) return pass(levels);
  for (const auto& name : *levels) {
    auto info = find(join(ltx_path, name));
    if (!info) return pass(info);
    if (*info && (*info)->is_directory) directories.push_back(join(ltx_path, name));
  }
  return directories;
}

Result<void> LocalStore::remove_temp_files(Levels levels) {
  // The meta directory, and the levels; deeper there is nothing of either daemon's.
  std::vector<std::string> directories{meta_path_};
  if (levels == Levels::may_hold_some) {
    auto known = level_directories();
    if (!known) return pass(known, "remove temporary files");
    directories.insert(directories.end(), known->begin(), known->end());
  }
  for (const auto& directory : directories) {
    auto names = io::list_directory(directory, gate_);
    if (!names) return pass(names, "remove temporary files");
    for (const auto& name : *names) {
      if (!name.ends_with(kTempSuffix)) continue;
      auto info = find(join(directory, name));
      if (!info) return pass(info, "remove temporary files");
      if (!*info || (*info)->is_directory) continue;
      if (auto removed = io::remove_file(join(directory, name), gate_); !removed) {
        return pass(removed, "remove temporary files");
      }
    }
  }
  return {};
}

Result<void> LocalStore::rescan() {
  files_.clear();
  auto names = io::list_directory(level_path_, gate_);
  if (!names) return pass(names, "list local ltx files");
  for (const auto& name : *names) {
    const auto range = parse_ltx_file_name(name);
    if (!range) continue;
    auto info = find(join(level_path_, name));
    if (!info) return pass(info, "list local ltx files");
    if (!*info || (*info)->is_directory) continue;
    add({.level = 0, .range = *range, .size = (*info)->size, .created_at = (*info)->modified_at});
  }
  return {};
}

Result<void> LocalStore::set_aside(const LtxFileInfo& file) {
  const std::string path = file_path(file.range);
  if (auto renamed = io::rename_file(path, path + ".damaged", gate_); !renamed) return renamed;
  forget(file.range);
  return io::sync_directory(level_path_, gate_);
}

void LocalStore::add(const LtxFileInfo& file) {
  const auto at = std::lower_bound(files_.begin(), files_.end(), file.range,
                                   [](const LtxFileInfo& a, TxRange range) { return a.range < range; });
  if (at != files_.end() && at->range == file.range) {
    *at = file;
  } else {
    files_.insert(at, file);
  }
}

void LocalStore::forget(TxRange range) {
  std::erase_if(files_, [&](const LtxFileInfo& file) { return file.range == range; });
}

}  // namespace replica::store
