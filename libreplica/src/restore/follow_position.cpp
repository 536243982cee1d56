#include "restore/follow_position.hpp"

#include <array>

namespace replica::restore {

// An odd factor makes the map one-to-one; this one spreads neighbours far apart.
std::uint32_t change_counter(TxId position) noexcept {
  return static_cast<std::uint32_t>(position.value * 0x9e3779b1U);
}

Result<std::optional<TxId>> FollowPosition::read(const std::string& path) const {
  auto file = io::File::open(path, io::File::Mode::read, gate_);
  if (!file && file.error().code == Errc::not_found) return std::optional<TxId>();
  if (!file) return pass(file);
  std::array<char, 64> text{};
  auto got = file->read_at(0, std::as_writable_bytes(std::span(text)));
  if (!got) return pass(got);
  std::string_view words(text.data(), *got);
  while (!words.empty() && (words.back() == '\n' || words.back() == '\r' || words.back() == ' '))
    words.remove_suffix(1);
  auto txid = TxId::parse(words);
  if (!txid) {
    return fail(Errc::corrupt, "read " + path + ": " + txid.error().message,
                "delete the database and this file to restore anew");
  }
  return *txid ? std::optional(*txid) : std::optional<TxId>();
}

std::optional<TxId> FollowPosition::prepared() const {
  auto next = read(next_path_);
  return next ? *next : std::nullopt;
}

Result<void> FollowPosition::prepare(TxId next, const io::FileInfo* like) {
  auto file = io::File::open(next_path_, io::File::Mode::create_or_truncate, gate_);
  if (!file) return pass(file, "save position");
  if (like != nullptr) {
    if (auto owned = file->own_like(*like); !owned) return pass(owned, "save position");
  }
  const std::string text = next.text() + "\n";
  if (auto written = file->append(std::as_bytes(std::span(text))); !written) return pass(written, "save position");
  if (auto synced = file->sync(); !synced) return pass(synced, "save position");
  return {};
}

Result<void> FollowPosition::commit() {
  if (auto renamed = io::rename_file(next_path_, path_, gate_); !renamed) return pass(renamed, "save position");
  return io::sync_directory(io::parent_of(path_), gate_);
}

}  // namespace replica::restore
