#include "engine/capture.hpp"

#include <algorithm>
#include <array>

namespace replica::engine {
namespace {

// Byte 19 of the file, the version needed to read it: 2 = write-ahead log. https://www.sqlite.org/fileformat2.html §1.3
Result<bool> writes_ahead(io::Connection& connection) {
  std::array<std::byte, 20> header{};
  auto n = connection.read_file(0, header);
  if (!n) return pass(n);
  return *n == header.size() && header.back() == std::byte{2};
}

}  // namespace

bool breaks_continuity(const Error& error) {
  return error.code == Errc::corrupt || error.code == Errc::not_found || error.code == Errc::out_of_range;
}

Capture::Capture(CaptureSettings settings, store::LocalStore& store, io::SmallMutex& store_lock,
                 Environment environment)
    : settings_(std::move(settings)), store_(&store), store_lock_(&store_lock), environment_(environment) {}

TxId Capture::last() const {
  const std::lock_guard lock(*store_lock_);
  return std::max(base_, store_->last());
}

bool Capture::has_files() const {
  const std::lock_guard lock(*store_lock_);
  return !store_->files().empty();
}

io::ConnectionOptions Capture::connection_options() const {
  return {.busy_timeout = settings_.busy_timeout, .create = false, .gate = environment_.gate};
}

Result<Pin> Capture::open_pin() const { return Pin::open(settings_.path, connection_options()); }

Result<void> Capture::identify_database() {
  auto info = io::stat_path(settings_.path);
  if (!info) return pass(info);
  if (info->is_directory) return fail(Errc::invalid_argument, settings_.path + " is a directory");
  if (info->size == 0) return fail(Errc::not_found, "database " + settings_.path + " is still empty");
  identity_ = *info;
  return {};
}

// The mode is read from the header of the file, not by a PRAGMA: that would read the schema, which takes memory for as
// long as the connection lives. The pin keeps it as it is.
Result<Pin> Capture::open_first_pin() {
  {
    auto pin = open_pin();
    if (!pin) return pin;
    auto ahead = writes_ahead(pin->connection());
    if (!ahead) return pass(ahead, "read journal mode");
    if (*ahead) return pin;
  }
  if (auto r = switch_to_wal(); !r) return pass(r);
  return open_pin();
}

Result<void> Capture::switch_to_wal() {
  auto connection = io::Connection::open(settings_.path, connection_options());
  if (!connection) return pass(connection);
  connection->checkpoint_on_close();
  auto mode = connection->query_text("PRAGMA journal_mode");
  if (!mode) return pass(mode, "read journal mode");
  if (*mode == "wal") return {};
  if (!settings_.convert_to_wal) {
    return fail(Errc::unsupported, "database " + settings_.path + " is in journal mode " + *mode,
                "run PRAGMA journal_mode=wal on it, or allow convert-to-wal");
  }
  mode = connection->query_text("PRAGMA journal_mode=wal");
  if (!mode) return pass(mode, "switch to the write-ahead log");
  if (*mode != "wal") {
    return fail(Errc::unsupported, "database " + settings_.path + " stays in journal mode " + *mode,
                "the file system must support shared memory, and the file must be writable");
  }
  environment_.logger->log(LogLevel::info, "database switched to the write-ahead log", {{"path", settings_.path}});
  return {};
}

Result<void> Capture::attach() {
  detach();
  if (auto r = identify_database(); !r) return r;
  auto mark = read_wal_mark(settings_.meta_path, environment_.gate);
  if (!mark) return pass(mark);
  auto newest = find_newest(*mark);
  if (!newest) return pass(newest);
  auto pin = open_first_pin();
  if (!pin) return pass(pin);
  pin_.emplace(std::move(*pin));
  aside_from_ = {};
  auto attached = [&]() -> Result<void> {
    if (!*newest || (*newest)->range.max < last()) return anchor("no known position", AnchorPin::kept);
    newest_ = **newest;
    auto continued = *mark ? continue_with(**mark) : Result<bool>(false);
    if (!continued) return pass(continued);
    if (!*continued) return anchor("the write-ahead log is not the one last seen", AnchorPin::kept);
    auto within_reach = hashes_within_reach();
    if (!within_reach) return pass(within_reach);
    if (*within_reach) return {};
    auto hashes = usable_hashes();
    if (!hashes) return pass(hashes);
    return *hashes ? Result<void>{} : build_hashes();
  }();
  if (!attached) {
    detach();
  } else {
    pin_->connection().release_wal_index();
  }
  return attached;
}

void Capture::detach() noexcept {
  if (pin_) leave();
  pin_.reset();
  held_.clear();  // whoever attaches goes on from the newest file
}

Capture::Continuity Capture::continuity(const wal::WalIndexHeader& index) const {
  if (index.salts == position_.salts) {
    return index.max_frame >= position_.frames ? Continuity::same : Continuity::lost;
  }
  return may_restart_ ? Continuity::restarted : Continuity::lost;
}

Result<bool> Capture::has_changes() {
  auto index = pin_->wal_index();
  if (!index) return pass(index);
  if (index->salts == position_.salts) return index->max_frame != position_.frames;
  return index->max_frame != 0;  // salts may step without a frame, when an empty log is truncated
}

std::uint64_t Capture::uncaptured_bytes() {
  if (!pin_) return 0;
  auto index = pin_->wal_index();
  if (!index) return 0;
  const std::uint64_t known = index->salts == position_.salts ? position_.frames : 0;
  return index->max_frame > known ? (index->max_frame - known) * wal_frame_size(index->page_size) : 0;
}

std::uint64_t Capture::log_frames() {
  if (!pin_) return 0;
  auto index = pin_->wal_index();
  return index && index->backfilled < index->max_frame ? index->max_frame : 0;
}

Result<PinnedImage> Capture::pin_image() {
  auto opened = open_pin();
  if (!opened) return pass(opened);
  auto pin = std::make_unique<Pin>(std::move(*opened));
  pin->connection().checkpoint_on_close();  // it may outlast the others
  auto image = DatabaseImage::open(*pin, settings_.path, environment_.gate);
  if (!image) return pass(image);
  const WalPosition& at = image->position();
  const wal::WalIndexHeader index{static_cast<std::uint32_t>(at.frames),
                                  image->commit(),
                                  at.page_size,
                                  at.salts,
                                  at.checksum.value_or(WalChecksum{}),
                                  0};
  if (auto r = capture_to(index, Into::files); !r) return pass(r);
  const bool there = at.frames == 0 || (at.salts == position_.salts && at.frames == position_.frames);
  if (!there) return fail(Errc::busy, "the write-ahead log moved while a state of it was pinned");
  return PinnedImage{std::move(pin), std::move(*image), last()};
}

}  // namespace replica::engine
