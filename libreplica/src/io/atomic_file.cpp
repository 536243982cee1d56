#include <utility>

#include "io/file.hpp"

namespace replica::io {
namespace {

constexpr std::size_t kBuffer = std::size_t{256} * 1024;
constexpr std::size_t kEnough = std::size_t{16} * 1024;  // to be written by itself, without a copy
constexpr std::uint64_t kWriteBack = 8U << 20;           // enough for the device to be kept busy, and for large extents

}  // namespace

std::string temp_name(const std::string& path) { return path + ".tmp"; }

Result<AtomicFile> AtomicFile::create(const std::string& path, Gate* gate, const FileInfo* like) {
  return create(path, gate, Options{.like = like});
}

Result<AtomicFile> AtomicFile::create(const std::string& path, Gate* gate, const Options& options) {
  const bool shared_name = options.temp_path.empty();
  const std::string temp_path = shared_name ? temp_name(path) : options.temp_path;
  // Until it has its owner nobody else may open it.
  const mode_t permissions = options.like != nullptr ? 0600 : options.permissions;
  auto file = File::open(temp_path, File::Mode::create_new, gate, permissions);
  if (!file && shared_name && file.error().code == Errc::already_exists) {
    if (auto removed = remove_file(temp_path, gate); !removed) return pass(removed);
    file = File::open(temp_path, File::Mode::create_new, gate, permissions);
  }
  if (!file) return pass(file);
  AtomicFile made;
  made.file_ = std::move(*file);
  made.path_ = path;
  made.temp_path_ = temp_path;
  made.gate_ = gate;
  if (options.like != nullptr) {
    if (auto owned = made.file_.own_like(*options.like); !owned) return pass(owned);
  }
  return made;
}

AtomicFile::AtomicFile(AtomicFile&& other) noexcept
    : file_(std::move(other.file_)),
      path_(std::move(other.path_)),
      temp_path_(std::exchange(other.temp_path_, {})),
      gate_(other.gate_),
      buffer_(std::move(other.buffer_)),
      unsynced_(other.unsynced_),
      failed_(other.failed_) {}

AtomicFile::~AtomicFile() {
  file_.close();
  // Nobody is left to tell; the next create() or the owner of the directory clears what stays.
  if (!temp_path_.empty()) static_cast<void>(remove_file(temp_path_, gate_));
}

Result<void> AtomicFile::write(Bytes data) {
  if (buffer_.size() + data.size() > kBuffer) {
    if (auto flushed = flush(); !flushed) return flushed;
  }
  if (data.size() >= (buffer_.empty() ? kEnough : kBuffer)) return append(data);
  if (buffer_.capacity() == 0) buffer_.reserve(kBuffer);
  buffer_.insert(buffer_.end(), data.begin(), data.end());
  return {};
}

Result<void> AtomicFile::flush() {
  if (buffer_.empty()) return {};
  auto written = append(buffer_);
  buffer_.clear();
  return written;
}

Result<void> AtomicFile::append(Bytes data) {
  auto written = file_.append(data);
  failed_ = failed_ || !written;
  unsynced_ += data.size();
  if (unsynced_ >= kWriteBack) {
    file_.begin_write_back();
    unsynced_ = 0;
  }
  return written;
}

Result<void> AtomicFile::commit(std::optional<Timestamp> modified_at, Name name) {
  if (auto finished = finish(modified_at); !finished) return finished;
  if (auto named = appear(true); !named) return named;
  return name == Name::durable ? sync_directory(parent_of(path_), gate_) : Result<void>{};
}

Result<void> AtomicFile::commit_new(std::optional<Timestamp> modified_at) {
  if (auto finished = finish(modified_at); !finished) return finished;
  if (auto named = appear(false); !named) return named;
  return sync_directory(parent_of(path_), gate_);
}

// The time is set before the sync, so that one sync makes both durable.
Result<void> AtomicFile::finish(std::optional<Timestamp> modified_at) {
  if (auto flushed = flush(); !flushed) return flushed;
  if (failed_ || !file_) return fail(Errc::io, "commit " + path_ + ": an earlier step failed");
  failed_ = true;
  if (modified_at) {
    if (auto set = file_.set_modified_at(*modified_at); !set) return set;
  }
  if (auto synced = file_.sync(); !synced) return synced;
  file_.close();
  failed_ = false;
  return {};
}

Result<void> AtomicFile::appear(bool replace) {
  auto renamed = replace ? rename_file(temp_path_, path_, gate_) : rename_new(temp_path_, path_, gate_);
  if (!renamed) return renamed;
  temp_path_.clear();
  return {};
}

}  // namespace replica::io
