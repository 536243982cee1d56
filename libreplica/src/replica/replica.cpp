#include "replica/replica.hpp"

#include <algorithm>
#include <array>
#include <cstdio>

#include "replica/header_times.hpp"
#include "replica/object_reader.hpp"

namespace replica {

Replica::Replica(std::shared_ptr<Backend> backend, std::string path, KeyLayout layout)
    : backend_(std::move(backend)), path_(std::move(path)), layout_(layout) {}

std::string Replica::level_prefix(Level level) const {
  std::array<char, 16> folder{};
  const char* format = layout_ == KeyLayout::hex_levels ? "%04x/" : "ltx/%d/";
  std::snprintf(folder.data(), folder.size(), format, level);
  return (path_.empty() ? path_ : path_ + "/") + folder.data();
}

std::string Replica::key(Level level, TxRange range) const { return level_prefix(level) + ltx_file_name(range); }

Result<std::vector<LtxFileInfo>> Replica::list(Level level, TxId from, const Call& call, Times times) const {
  const std::string prefix = level_prefix(level);
  // A bare TXID sorts directly before the names that begin with it.
  const std::string after = from ? prefix + from.text() : std::string();
  std::vector<LtxFileInfo> files;
  auto visit = [&](const ObjectInfo& object) {
    if (const auto range = parse_ltx_file_name(std::string_view(object.key).substr(prefix.size()))) {
      files.push_back({.level = level, .range = *range, .size = object.size, .created_at = object.modified_at});
    }
    return true;
  };
  if (auto listed = backend_->list(prefix, after, visit, call); !listed) {
    return pass(listed, "list level " + std::to_string(level));
  }
  if (times == Times::from_headers) {
    auto read = [&](const LtxFileInfo& file) { return read_header(file, call); };
    if (auto dated = date_from_headers(files, read); !dated) return pass(dated, "list level " + std::to_string(level));
  }
  return files;
}

Result<LtxFileInfo> Replica::write(Level level, TxRange range, Timestamp created_at, Source& body, const Call& call) {
  const std::string name = key(level, range);
  auto stored = backend_->put(name, body, {.modified_at = created_at}, call);
  if (!stored) return pass(stored, "write " + name);
  return LtxFileInfo{.level = level, .range = range, .size = body.size(), .created_at = created_at};
}

Result<std::unique_ptr<Reader>> Replica::open(const LtxFileInfo& file, const Call& call, std::size_t block) const {
  const std::string name = key(file.level, file.range);
  if (file.size < kLtxHeaderSize) {
    return fail(Errc::corrupt, "invalid ltx file: " + name + " has size " + std::to_string(file.size) +
                                   " bytes (minimum " + std::to_string(kLtxHeaderSize) + ")");
  }
  return ObjectReader::open(backend_, name, file.size, block, call);
}

Result<LtxHeader> Replica::read_header(const LtxFileInfo& file, const Call& call) const {
  const std::string name = key(file.level, file.range);
  MemorySink bytes;
  auto got = backend_->get(name, {.offset = 0, .length = kLtxHeaderSize}, bytes, call);
  if (!got && got.error().code == Errc::out_of_range) {
    return fail(Errc::corrupt, "invalid ltx file: " + name + " is shorter than a header");
  }
  if (!got) return pass(got, "read header of " + name);
  auto header = parse_ltx_header(bytes.data());
  if (!header) return pass(header, "read header of " + name);
  if (header->range != file.range) {
    return fail(Errc::corrupt, "object " + name + " holds ltx file " + ltx_file_name(header->range));
  }
  return header;
}

Result<void> Replica::remove(const std::vector<LtxFileInfo>& files, const Call& call) {
  for (const auto& file : files) {
    const std::string name = key(file.level, file.range);
    if (auto removed = backend_->remove(name, call); !removed) return pass(removed, "remove " + name);
  }
  return {};
}

Result<TxId> Replica::last_txid(const Call& call) const {
  TxId last;
  for (Level level = 0; level <= kSnapshotLevel; ++level) {
    auto files = list(level, TxId{}, call);
    if (!files) return pass(files, "find last txid");
    for (const auto& file : *files) last = std::max(last, file.range.max);
  }
  return last;
}

}  // namespace replica
