// From frames to level-0 files, by way of memory where a file for each step would be one too many.
#include <algorithm>

#include "engine/capture.hpp"

namespace replica::engine {

Result<std::size_t> Capture::capture() {
  auto index = pin_->wal_index();
  if (!index) return pass(index);
  return capture_to(*index, Into::files);
}

Result<std::size_t> Capture::hold() {
  auto index = pin_->wal_index();
  if (!index) return pass(index);
  return capture_to(*index, Into::memory);
}

Result<std::size_t> Capture::flush() {
  if (held_.empty()) return std::size_t{0};
  if (auto r = write_changes(nullptr, {}); !r) return pass(r);
  leave_mark();
  return std::size_t{1};
}

Result<std::size_t> Capture::capture_to(const wal::WalIndexHeader& index, Into into) {
  const std::uint64_t files_before = counters_.files;
  if (auto r = read_log(index, into); !r) return pass(r);
  if (into == Into::files) {
    if (auto r = flush(); !r) return pass(r);
  }
  return static_cast<std::size_t>(counters_.files - files_before);
}

Result<void> Capture::read_log(const wal::WalIndexHeader& index, Into into) {
  if (index.salts != position_.salts && index.max_frame == 0) return {};
  const Continuity state = continuity(index);
  if (state == Continuity::same && index.max_frame == position_.frames) return {};
  auto captured = state == Continuity::lost ? fail(Errc::corrupt, "the log was restarted although it was pinned")
                                            : read_frames(index, into, Pinned::yes);
  if (!captured) {
    if (!breaks_continuity(captured.error())) return pass(captured);
    if (auto r = anchor(captured.error().message); !r) return pass(r);
  }
  may_restart_ = !captured;
  return {};
}

Result<void> Capture::read_frames(const wal::WalIndexHeader& index, Into into, Pinned pinned) {
  auto wal = WalFile::open(settings_.path, environment_.gate);
  if (!wal) return pass(wal);
  if (wal->header().salts != index.salts) return fail(Errc::corrupt, "the log was replaced");
  if (index.salts != position_.salts) {
    if (index.page_size != position_.page_size) {
      if (auto r = flush(); !r) return pass(r);
    }
    position_ = {index.salts, index.page_size, 0, wal->header().checksum};
    aside_beyond_ = 0;
  }
  while (position_.frames < index.max_frame) {
    if (auto r = capture_range(*wal, index.max_frame, into, pinned); !r) return r;
  }
  if (position_.checksum && *position_.checksum != index.frame_checksum) {
    return fail(Errc::corrupt, "the log differs from its index");
  }
  position_.checksum = index.frame_checksum;  // behind unsummed frames only the index knows it
  if (held_.empty()) leave_mark();
  return {};
}

Result<void> Capture::capture_range(WalFile& wal, std::uint64_t to_frame, Into into, Pinned pinned) {
  auto changes = wal.read(position_, to_frame, settings_.max_sync_wal_bytes);
  if (!changes) return pass(changes);
  if (pinned == Pinned::no) wal.may_move(position_);
  if (changes->commit == 0) return fail(Errc::corrupt, "the log does not end with a commit");
  return take_changes(wal, *changes, into);
}

Result<void> Capture::take_changes(WalFile& wal, const Changeset& changes, Into into) {
  if (changes.unsummed) unrecoverable_ = position_.salts;
  bool taken = false;
  if (into == Into::memory) {
    auto held = held_.take(wal, position_, changes);
    if (!held) return pass(held);
    taken = *held;
  }
  if (!taken) {
    if (auto r = write_changes(&wal, changes); !r) return r;
  }
  frames_since_checkpoint_ += changes.end_frame - position_.frames;
  counters_.wal_bytes += (changes.end_frame - position_.frames) * wal_frame_size(position_.page_size);
  position_.frames = changes.end_frame;
  position_.checksum = changes.checksum;
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

// The header says where in the generation it ends in the file begins and ends: there the peer would go on.
LtxHeader Capture::header_up_to(std::uint64_t end_frame, std::uint32_t commit) const {
  LtxHeader header = next_header(position_.page_size, commit);
  const bool held = !held_.empty() && held_.from().salts == position_.salts;
  const std::uint64_t first = held ? held_.from().frames : position_.frames;
  header.salts = position_.salts;
  header.wal_offset = static_cast<std::int64_t>(wal_offset(first, position_.page_size));
  header.wal_size = static_cast<std::int64_t>((end_frame - first) * wal_frame_size(position_.page_size));
  return header;
}

Result<void> Capture::write_changes(WalFile* wal, const Changeset& changes) {
  const LtxHeader header = header_up_to(wal != nullptr ? changes.end_frame : position_.frames,
                                        wal != nullptr ? changes.commit : held_.commit());
  auto file = store_->create(header);
  if (!file) return pass(file);
  auto encoder = LtxEncoder::begin(file->out(), header);
  if (!encoder) return pass(encoder);
  if (auto r = add_pages(*encoder, header, wal, changes); !r) return r;
  if (auto r = encoder->finish(); !r) return pass(r);
  if (wal != nullptr) {
    if (auto r = wal->confirm(); !r) return r;
  }
  if (auto r = commit_file(*file, header); !r) return r;
  held_.clear();
  return {};
}

// What is held and what changed since, in one sequence of pages.
Result<void> Capture::add_pages(LtxEncoder& encoder, const LtxHeader& header, WalFile* wal, const Changeset& changes) {
  std::vector<std::byte> unwritten;
  // Pages by which the database grew without writing them (free pages) come from the file, so that no page is ever
  // missing.
  PageNo grown = commit_ + 1;
  const auto fill = [&](PageNo before) -> Result<void> {
    for (; grown < before; ++grown) {
      if (grown == lock_page(header.page_size)) continue;
      unwritten.assign(header.page_size, std::byte{0});
      auto n = pin_->connection().read_file(static_cast<std::uint64_t>(grown - 1) * header.page_size, unwritten);
      if (!n) return pass(n);
      if (auto r = encoder.add(grown, unwritten); !r) return r;
    }
    return {};
  };
  const auto add = [&](PageNo page, Bytes image) -> Result<void> {
    if (page == lock_page(header.page_size)) return {};
    if (auto r = fill(page); !r) return r;
    grown = std::max(grown, page + 1);
    return encoder.add(page, image);
  };
  auto held = held_.pages().begin();
  const std::span<const Changeset::Page> pages(changes.pages);
  for (std::size_t i = 0; i < pages.size(); ++i) {
    const Changeset::Page& page = pages[i];
    for (; held != held_.pages().end() && held->page < page.page; ++held)
      if (auto r = add(held->page, held_.image(*held)); !r) return r;
    if (held != held_.pages().end() && held->page == page.page) ++held;
    auto image = wal->view(pages.subspan(i));
    if (!image) return pass(image);
    if (auto r = add(page.page, *image); !r) return r;
  }
  for (; held != held_.pages().end() && held->page <= header.commit; ++held)
    if (auto r = add(held->page, held_.image(*held)); !r) return r;
  return fill(header.commit + 1);
}

Result<void> Capture::commit_file(store::LocalStore::NewFile& file, const LtxHeader& header) {
  {
    const std::lock_guard lock(*store_lock_);
    if (auto r = file.commit(); !r) return r;
  }
  ++counters_.files;
  newest_ = header;
  commit_ = header.commit;
  return {};
}

}  // namespace replica::engine
