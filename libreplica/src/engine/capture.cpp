#include "engine/capture.hpp"

#include <algorithm>

namespace replica::engine {

bool breaks_continuity(const Error& error) {
  return error.code == Errc::corrupt || error.code == Errc::not_found || error.code == Errc::out_of_range;
}

Capture::Capture(CaptureSettings settings, store::LocalStore& store, std::mutex& store_lock, Environment environment)
    : settings_(std::move(settings)), store_(&store), store_lock_(&store_lock), environment_(environment) {}

TxId Capture::last() const {
  const std::lock_guard lock(*store_lock_);
  return std::max(base_, store_->last());
}

io::ConnectionOptions Capture::connection_options() const {
  return {.busy_timeout = settings_.busy_timeout, .create = false, .gate = environment_.gate};
}

Result<Pin> Capture::open_pin() const { return Pin::open(settings_.path, connection_options()); }

Result<void> Capture::prepare_database() {
  auto info = io::stat_path(settings_.path);
  if (!info) return pass(info);
  if (info->is_directory) return fail(Errc::invalid_argument, settings_.path + " is a directory");
  if (info->size == 0) return fail(Errc::not_found, "database " + settings_.path + " is still empty");
  identity_ = *info;
  auto connection = io::Connection::open(settings_.path, connection_options());
  if (!connection) return pass(connection);
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
  if (auto r = prepare_database(); !r) return r;
  auto mark = read_wal_mark(settings_.meta_path, environment_.gate);
  if (!mark) return pass(mark);
  auto newest = find_newest(*mark);
  if (!newest) return pass(newest);
  auto pin = open_pin();
  if (!pin) return pass(pin);
  pin_.emplace(std::move(*pin));
  aside_from_ = {};
  auto attached = [&]() -> Result<void> {
    if (!*newest || (*newest)->range.max < last()) return anchor("no known position");
    newest_ = **newest;
    auto continued = *mark ? continue_with(**mark) : Result<bool>(false);
    if (!continued) return pass(continued);
    if (!*continued) return anchor("the write-ahead log is not the one last seen");
    auto hashes = usable_hashes();
    if (!hashes) return pass(hashes);
    return *hashes ? Result<void>{} : build_hashes();
  }();
  if (!attached) detach();
  return attached;
}

void Capture::detach() noexcept { pin_.reset(); }

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

Result<std::size_t> Capture::capture() {
  auto index = pin_->wal_index();
  if (!index) return pass(index);
  return capture_to(*index);
}

Result<std::size_t> Capture::capture_to(const wal::WalIndexHeader& index) {
  if (index.salts != position_.salts && index.max_frame == 0) return std::size_t{0};
  const Continuity state = continuity(index);
  if (state == Continuity::same && index.max_frame == position_.frames) return std::size_t{0};
  const std::uint64_t files_before = counters_.files;
  auto captured = [&]() -> Result<void> {
    if (state == Continuity::lost) return fail(Errc::corrupt, "the log was restarted although it was pinned");
    auto wal = WalFile::open(settings_.path, environment_.gate);
    if (!wal) return pass(wal);
    if (wal->header().salts != index.salts) return fail(Errc::corrupt, "the log was replaced");
    if (state == Continuity::restarted) position_ = {index.salts, index.page_size, 0, wal->header().checksum};
    while (position_.frames < index.max_frame) {
      if (auto r = capture_range(*wal, index.max_frame); !r) return r;
    }
    if (position_.checksum && *position_.checksum != index.frame_checksum) {
      return fail(Errc::corrupt, "the log differs from its index");
    }
    position_.checksum = index.frame_checksum;  // behind unsummed frames only the index knows it
    leave_mark();
    return {};
  }();
  if (!captured) {
    if (!breaks_continuity(captured.error())) return pass(captured);
    if (auto r = anchor(captured.error().message); !r) return pass(r);
  }
  may_restart_ = !captured;
  return static_cast<std::size_t>(counters_.files - files_before);
}

Result<void> Capture::capture_range(WalFile& wal, std::uint64_t to_frame) {
  auto changes = wal.read(position_, to_frame, settings_.max_sync_wal_bytes);
  if (!changes) return pass(changes);
  if (changes->commit == 0) return fail(Errc::corrupt, "the log does not end with a commit");
  return take_changes(wal, *changes);
}

Result<void> Capture::take_changes(WalFile& wal, const Changeset& changes) {
  if (auto r = write_changes(wal, changes); !r) return r;
  frames_since_checkpoint_ += changes.end_frame - position_.frames;
  counters_.wal_bytes += (changes.end_frame - position_.frames) * wal_frame_size(position_.page_size);
  position_.frames = changes.end_frame;
  position_.checksum = changes.checksum;
  commit_ = changes.commit;
  return {};
}

LtxHeader Capture::next_header(std::uint32_t page_size, std::uint32_t commit) const {
  LtxHeader header;
  header.page_size = page_size;
  header.commit = commit;
  const TxId txid = last().next();
  header.range = {txid, txid};
  header.timestamp = environment_.clock->now();
  return header;
}

Result<void> Capture::write_changes(WalFile& wal, const Changeset& changes) {
  LtxHeader header = next_header(position_.page_size, changes.commit);
  header.salts = position_.salts;
  header.wal_offset = static_cast<std::int64_t>(wal_offset(position_.frames, position_.page_size));
  header.wal_size =
      static_cast<std::int64_t>((changes.end_frame - position_.frames) * wal_frame_size(position_.page_size));
  auto file = store_->create(header);
  if (!file) return pass(file);
  auto encoder = LtxEncoder::begin(file->out(), header);
  if (!encoder) return pass(encoder);

  std::vector<std::byte> image(position_.page_size);
  // Pages by which the database grew without writing them (free pages) come from the file, so that no page is ever
  // missing.
  PageNo grown = commit_ + 1;
  const auto fill = [&](PageNo before) -> Result<void> {
    for (; grown < before; ++grown) {
      if (grown == lock_page(position_.page_size)) continue;
      std::fill(image.begin(), image.end(), std::byte{0});
      auto n = pin_->connection().read_file(static_cast<std::uint64_t>(grown - 1) * position_.page_size, image);
      if (!n) return pass(n);
      if (auto r = encoder->add(grown, image); !r) return r;
    }
    return {};
  };
  for (const Changeset::Page& page : changes.pages) {
    if (page.page == lock_page(position_.page_size)) continue;
    if (auto r = fill(page.page); !r) return r;
    if (auto r = wal.image(page.frame, image); !r) return r;
    if (auto r = encoder->add(page.page, image); !r) return r;
    grown = std::max(grown, page.page + 1);
  }
  if (auto r = fill(changes.commit + 1); !r) return r;
  if (auto r = encoder->finish(); !r) return pass(r);
  if (auto r = wal.confirm(); !r) return r;
  return commit_file(*file, header);
}

Result<void> Capture::commit_file(store::LocalStore::NewFile& file, const LtxHeader& header) {
  {
    const std::lock_guard lock(*store_lock_);
    if (auto r = file.commit(); !r) return r;
  }
  ++counters_.files;
  newest_ = header;
  return {};
}

Result<PinnedImage> Capture::pin_image() {
  auto opened = open_pin();
  if (!opened) return pass(opened);
  auto pin = std::make_unique<Pin>(std::move(*opened));
  auto image = DatabaseImage::open(*pin, settings_.path, environment_.gate);
  if (!image) return pass(image);
  const WalPosition& at = image->position();
  const wal::WalIndexHeader index{static_cast<std::uint32_t>(at.frames),
                                  image->commit(),
                                  at.page_size,
                                  at.salts,
                                  at.checksum.value_or(WalChecksum{}),
                                  0};
  if (auto r = capture_to(index); !r) return pass(r);
  const bool there = at.frames == 0 || (at.salts == position_.salts && at.frames == position_.frames);
  if (!there) return fail(Errc::busy, "the write-ahead log moved while a state of it was pinned");
  return PinnedImage{std::move(pin), std::move(*image), last()};
}

}  // namespace replica::engine
