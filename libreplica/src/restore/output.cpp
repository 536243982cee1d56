#include "restore/output.hpp"

#include <array>
#include <utility>

namespace replica {
namespace {

// In the order in which they are moved away: without -shm the old database is still whole.
constexpr std::array<std::string_view, 3> kSidecars = {"-shm", "-journal", "-wal"};

Result<std::optional<io::FileInfo>> look(const std::string& path) {
  auto info = io::stat_path(path);
  if (info) return std::optional(*info);
  if (info.error().code == Errc::not_found) return std::optional<io::FileInfo>();
  return pass(info, "look at restore output");
}

Result<void> refuse_sidecars(const std::string& output) {
  for (const std::string_view suffix : {"-wal", "-shm", "-journal"}) {
    const std::string path = output + std::string(suffix);
    auto found = look(path);
    if (!found) return pass(found);
    if (*found) {
      return fail(Errc::already_exists,
                  "cannot restore, SQLite sidecar path already exists: " + path + ". Use -force to overwrite");
    }
  }
  return {};
}

}  // namespace

Result<void> check_restore_output(const RestoreOptions& options) {
  if (options.output.empty()) return fail(Errc::invalid_argument, "cannot restore, output path is empty");
  auto found = look(options.output);
  if (!found) return pass(found);
  if (*found && (*found)->is_directory) {
    return fail(Errc::invalid_argument, "cannot restore, output path is a directory: " + options.output);
  }
  if (options.force) return {};
  if (*found && (*found)->size > 0) {
    return fail(Errc::already_exists, "cannot restore, output path already exists and is not empty: " + options.output +
                                          ". Use -force to overwrite");
  }
  return refuse_sidecars(options.output);
}

namespace restore {
namespace {

Result<void> check_free_space(const std::string& output, std::uint64_t size) {
  std::string directory = io::parent_of(output);
  while (!io::stat_path(directory) && directory != io::parent_of(directory)) directory = io::parent_of(directory);
  const auto free = io::free_space(directory);
  if (!free) return Failure(free.error());
  if (size <= *free) return {};
  return fail(
      Errc::no_space,
      "restore needs " + std::to_string(size) + " bytes but " + directory + " has " + std::to_string(*free) + " free",
      "free some space or restore to another file system");
}

// False when somebody renamed or removed `path` since it was opened.
Result<bool> has_name(const io::File& file, const std::string& path) {
  auto mine = file.info();
  if (!mine) return pass(mine);
  auto named = look(path);
  if (!named) return pass(named);
  return *named && (*named)->inode == mine->inode && (*named)->device == mine->device;
}

// The file locked must be the one that has the name: another restore may have renamed it to its output meanwhile.
Result<void> lock_alone(io::File& file, const std::string& path) {
  auto locked = file.try_lock_exclusive();
  if (!locked) return pass(locked);
  auto named = has_name(file, path);
  if (!named) return pass(named);
  if (*locked && *named) return {};
  return fail(Errc::busy, "another restore is writing " + path);
}

// Sidecars of the database being replaced, moved aside so that the new one never lies beside an old WAL or journal, not
// even after a crash, and the old ones can come back when the rename fails.
class Aside {
 public:
  Aside(std::string output, io::Gate* gate) : output_(std::move(output)), gate_(gate) {}

  Result<void> move() {
    for (const std::string_view suffix : kSidecars) {
      const std::string path = output_ + std::string(suffix);
      auto found = look(path);
      if (!found) return pass(found);
      if (!*found) continue;
      if (auto moved = io::rename_file(path, aside(path), gate_); !moved) return pass(moved, "move old sidecar aside");
      moved_.push_back(path);
    }
    return moved_.empty() ? Result<void>() : io::sync_directory(io::parent_of(output_), gate_);
  }
  // An error is added to the one that made going back necessary.
  Failure back(Error reason) {
    for (; !moved_.empty(); moved_.pop_back()) {
      if (auto moved = io::rename_file(aside(moved_.back()), moved_.back(), gate_); !moved) {
        reason.hint = "the old database's " + moved_.back() + " is now " + aside(moved_.back());
      }
    }
    return Failure(std::move(reason));
  }
  // Best effort: the restore has succeeded, and the next one to this output replaces what stays.
  void discard() {
    for (; !moved_.empty(); moved_.pop_back()) static_cast<void>(io::remove_file(aside(moved_.back()), gate_));
  }

 private:
  static std::string aside(const std::string& path) { return path + ".replaced"; }
  std::string output_;
  io::Gate* gate_;
  std::vector<std::string> moved_;
};

}  // namespace

Result<TempOutput> TempOutput::create(const RestoreOptions& options, std::uint64_t size, io::Gate* gate) {
  if (auto enough = check_free_space(options.output, size); !enough) return pass(enough);
  if (auto made = io::make_directories(io::parent_of(options.output), gate); !made) return pass(made, "prepare output");
  const std::string path = io::temp_name(options.output);
  auto file = io::File::open(path, io::File::Mode::create_new, gate);
  const bool made_now = file.has_value();
  // There may be one of a killed restore, or of one that runs: the lock tells.
  if (!file && file.error().code == Errc::already_exists) file = io::File::open(path, io::File::Mode::read_write, gate);
  if (!file) return pass(file, "create restore output");
  if (auto locked = lock_alone(*file, path); !locked) {
    if (made_now && locked.error().code != Errc::busy) static_cast<void>(io::remove_file(path, nullptr));
    return pass(locked);
  }

  TempOutput temp(std::move(*file), path, gate);
  // A temp file left by a killed restore may hold pages.
  if (auto emptied = temp.file_.truncate(0); !emptied) return pass(emptied, "create restore output");
  if (auto sized = temp.file_.truncate(size); !sized) return pass(sized, "create restore output");
  return temp;
}

TempOutput::TempOutput(TempOutput&& other) noexcept
    : file_(std::move(other.file_)),
      path_(std::move(other.path_)),
      gate_(other.gate_),
      owned_(std::exchange(other.owned_, false)) {}

TempOutput::~TempOutput() {
  // Before the lock goes with the descriptor. There is nobody to tell when it fails; the next restore reuses the file.
  if (owned_) static_cast<void>(io::remove_file(path_, nullptr));
}

Result<void> TempOutput::publish(const RestoreOptions& options) {
  if (auto free = check_restore_output(options); !free) return pass(free);
  auto named = has_name(file_, path_);
  if (!named) return pass(named);
  if (!*named) return fail(Errc::io, "somebody removed or replaced " + path_ + " during the restore");
  const std::string& output = options.output;
  auto replaced = look(output);
  if (!replaced) return pass(replaced);

  Aside aside(output, gate_);
  if (auto moved = aside.move(); !moved) return aside.back(std::move(moved.error()));
  // Where nothing was, nothing may be replaced, not even what appeared this very moment.
  auto renamed = *replaced ? io::rename_file(path_, output, gate_) : io::rename_new(path_, output, gate_);
  if (!renamed) return aside.back(std::move(renamed.error()));
  owned_ = false;
  if (auto synced = io::sync_directory(io::parent_of(output), gate_); !synced) {
    if (!*replaced) static_cast<void>(io::remove_file(output, nullptr));
    return pass(synced, "make restore output durable");
  }
  aside.discard();
  return {};
}

}  // namespace restore
}  // namespace replica
