// Anchoring: making the newest level-0 file agree with the database when the WAL cannot prove what changed.
#include <algorithm>

#include "engine/capture.hpp"
#include "engine/origin.hpp"
#include "engine/page_runs.hpp"

namespace replica::engine {
namespace {

constexpr int kAttempts = 10;  // the WAL can move once a pin; busy writers can make that happen a few times
// Of LTX files. Folded in they cost three syncs, and four more where there is no map yet; read, less than one.
constexpr std::uint64_t kQuicklyRead = std::uint64_t{256} << 10U;

}  // namespace

Result<void> Capture::anchor(std::string_view reason, AnchorPin first) {
  environment_.logger->log(LogLevel::info, "anchoring database",
                           {{"path", settings_.path}, {"reason", std::string(reason)}});
  auto done = [&]() -> Result<void> {
    for (int attempt = 0; attempt < kAttempts; ++attempt) {
      if (attempt > 0 || first == AnchorPin::anew) {
        auto pin = open_pin();
        if (!pin) return pass(pin);
        pin_.emplace(std::move(*pin));
      }
      auto anchored = anchor_once();
      if (!anchored && anchored.error().code != Errc::busy) return pass(anchored, "anchor " + settings_.path);
      if (anchored && *anchored) {
        ++counters_.anchors;
        return {};
      }
    }
    return fail(Errc::busy, "database " + settings_.path + " never held still while it was read");
  }();
  // The pin has moved past what was captured: our position proves nothing any more.
  if (!done) detach();
  return done;
}

Result<bool> Capture::anchor_once() {
  auto image = DatabaseImage::open(*pin_, settings_.path, environment_.gate);
  if (!image) return pass(image);
  if (image->commit() == 0) return fail(Errc::not_found, "database " + settings_.path + " is still empty");
  auto hashes = usable_hashes();
  if (!hashes) return pass(hashes);
  const bool comparable = *hashes && (*hashes)->page_size() == image->page_size();
  auto written = comparable ? write_difference(*image, **hashes) : write_everything(*image);
  if (!written) return pass(written);
  auto valid = image->still_valid();
  if (!valid) return pass(valid);
  if (*valid) adopt(*image);
  return *valid;
}

void Capture::adopt(const DatabaseImage& image) {
  position_ = image.position();
  commit_ = image.commit();
  aside_beyond_ = 0;
  unrecoverable_ = image.is_unrecoverable() ? std::optional(position_.salts) : std::nullopt;
  held_.clear();  // what was compared has it
  frames_since_checkpoint_ = position_.frames;
  may_restart_ = true;
  leave_mark();
}

Result<std::optional<store::PageHashMap>> Capture::usable_hashes() {
  const TxId newest = last();
  if (auto r = fold_hashes(); !r) return pass(r);
  auto map = store::PageHashMap::open(settings_.meta_path, environment_.gate);
  if (!map) return pass(map);
  if (!*map || !newest || (*map)->txid() != newest) return std::optional<store::PageHashMap>();
  return map;
}

namespace {

// An LTX file in the making that is only begun when there is a page to put into it.
struct LazyFile {
  std::optional<store::LocalStore::NewFile> file;
  std::optional<LtxEncoder> encoder;

  Result<void> add(store::LocalStore& store, const LtxHeader& header, PageNo page, Bytes image) {
    if (auto r = begin(store, header); !r) return r;
    return encoder->add(page, image);
  }
  Result<void> begin(store::LocalStore& store, const LtxHeader& header) {
    if (encoder) return {};
    auto created = store.create(header);
    if (!created) return pass(created);
    file.emplace(std::move(*created));
    auto begun = LtxEncoder::begin(file->out(), header);
    if (!begun) return pass(begun);
    encoder.emplace(std::move(*begun));
    return {};
  }
};

LtxHeader with_position(LtxHeader header, const WalPosition& position) {
  header.salts = position.salts;
  header.wal_offset = static_cast<std::int64_t>(kWalHeaderSize);
  header.wal_size = static_cast<std::int64_t>(position.frames * wal_frame_size(position.page_size));
  return header;
}

}  // namespace

Result<void> Capture::write_difference(DatabaseImage& image, store::PageHashMap& hashes) {
  const LtxHeader header = with_position(next_header(image.page_size(), image.commit()), image.position());
  LazyFile out;
  std::vector<std::byte> page(image.page_size());
  for (PageNo n = 1; n <= image.commit(); ++n) {
    if (n == lock_page(image.page_size())) continue;
    if (auto r = image.read(n, page); !r) return r;
    auto known = hashes.get(n);
    if (!known) return pass(known);
    if (*known && **known == store::page_hash(page)) continue;
    if (auto r = out.add(*store_, header, n, page); !r) return r;
  }
  if (!out.encoder && image.commit() == hashes.commit()) return {};
  if (auto r = out.begin(*store_, header); !r) return r;
  if (auto r = out.encoder->finish(); !r) return pass(r);
  auto valid = image.still_valid();
  if (!valid) return pass(valid);
  if (!*valid) return {};  // the caller looks too, and starts over
  return commit_file(*out.file, header);
}

Result<void> Capture::write_everything(DatabaseImage& image) {
  const LtxHeader header = with_position(next_header(image.page_size(), image.commit()), image.position());
  auto hashes = begin_hashes(image);
  if (!hashes) return pass(hashes);
  LazyFile out;
  if (auto r = out.begin(*store_, header); !r) return r;
  auto added = each_page(image, environment_.helpers, [&](const PreparedPage& prepared) -> Result<void> {
    if (auto r = out.encoder->add(prepared.page); !r) return r;
    return *hashes ? (*hashes)->set(prepared.page.page, prepared.hash) : Result<void>{};
  });
  if (!added) return added;
  if (auto r = out.encoder->finish(); !r) return pass(r);
  auto valid = image.still_valid();
  if (!valid) return pass(valid);
  if (!*valid) return {};
  if (auto r = commit_file(*out.file, header); !r) return r;
  hashes_txid_ = {};
  if (!*hashes) return {};
  if (auto r = (*hashes)->commit(header.range.max, header.commit); !r) return r;
  hashes_txid_ = header.range.max;
  return {};
}

// For a file that is about to hold every page; nullopt: fold_hashes() makes the map from that file, which then is the
// first of its store. With very many databases that begin at once the four syncs of the map are a third of all.
Result<std::optional<store::PageHashMap>> Capture::begin_hashes(const DatabaseImage& image) {
  if (image.commit() > store::kSmallDatabase || has_files()) {
    auto made = store::PageHashMap::create(settings_.meta_path, image.page_size(), environment_.gate);
    if (!made) return pass(made);
    return std::optional(std::move(*made));
  }
  if (auto r = store::PageHashMap::remove(settings_.meta_path, environment_.gate); !r) return pass(r);
  return std::optional<store::PageHashMap>();
}

namespace {

// The header of a file that begin_hashes() may have left without a map: small, sound and of every page.
Result<std::optional<LtxHeader>> header_of_whole(Reader& file) {
  auto decoder = LtxDecoder::begin(file);
  if (!decoder) return pass(decoder);
  const LtxHeader header = decoder->header();
  if (header.commit > store::kSmallDatabase) return std::nullopt;
  for (std::uint32_t pages = 0;; ++pages) {
    auto page = decoder->next();
    if (!page) return pass(page);
    if (!*page) return pages == header.commit ? std::optional(header) : std::nullopt;
  }
}

}  // namespace

// The map that begin_hashes() put off, still empty; nullopt when `first` is no such file.
Result<std::optional<store::PageHashMap>> Capture::late_hashes(const LtxFileInfo& first) {
  auto body = store_->open_file(first.range);
  auto header = body ? header_of_whole(**body) : Result<std::optional<LtxHeader>>(pass(body));
  if (!header && !is_lost(header.error())) return pass(header);
  if (!header || !*header) return std::nullopt;
  auto made = store::PageHashMap::create(settings_.meta_path, (*header)->page_size, environment_.gate);
  if (!made) return pass(made);
  return std::optional(std::move(*made));
}

Result<void> Capture::build_hashes() {
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    auto pinned = pin_image();
    if (!pinned && pinned.error().code == Errc::busy) continue;
    if (!pinned) return pass(pinned);
    DatabaseImage& image = pinned->image;
    auto hashes = store::PageHashMap::create(settings_.meta_path, image.page_size(), environment_.gate);
    if (!hashes) return pass(hashes);
    std::vector<std::byte> page(image.page_size());
    for (PageNo n = 1; n <= image.commit(); ++n) {
      if (n == lock_page(image.page_size())) continue;
      if (auto r = image.read(n, page); !r) return r;
      if (auto r = hashes->set(n, store::page_hash(page)); !r) return r;
    }
    auto valid = image.still_valid();
    if (!valid) return pass(valid);
    if (!*valid) continue;
    if (auto r = hashes->commit(pinned->txid, image.commit()); !r) return r;
    hashes_txid_ = pinned->txid;
    return {};
  }
  return fail(Errc::busy, "database " + settings_.path + " never held still while it was read");
}

std::vector<LtxFileInfo> Capture::local_files() const {
  const std::lock_guard lock(*store_lock_);
  return store_->files();
}

// Whether the next anchoring finds all hashes: in the map and in files that are quickly read, without a gap.
Result<bool> Capture::hashes_within_reach() {
  const std::vector<LtxFileInfo> files = local_files();
  auto map = store::PageHashMap::open(settings_.meta_path, environment_.gate);
  if (!map) return pass(map);
  if (*map && !(*map)->whole()) return false;
  TxId reached = *map ? (*map)->txid() : TxId{};
  if (!reached) {  // late_hashes() makes it from the first file
    if (files.empty() || files.front().range.min != TxId{1}) return false;
    auto header = store_->header(files.front().range);
    if (!header && !is_lost(header.error())) return pass(header);
    if (!header || header->commit > store::kSmallDatabase) return false;
  }
  hashes_txid_ = reached;
  std::uint64_t bytes = 0;
  for (const LtxFileInfo& file : files) {
    if (file.range.max <= reached) continue;
    if (file.range.min != reached.next()) return false;
    reached = file.range.max;
    bytes += file.size;
  }
  return reached == last() && bytes <= kQuicklyRead;
}

Result<void> Capture::fold_before_leaving() {
  auto within_reach = hashes_within_reach();
  if (!within_reach) return pass(within_reach);
  return *within_reach ? Result<void>() : fold_hashes();
}

Result<void> Capture::fold_hashes() {
  const std::vector<LtxFileInfo> files = local_files();
  auto map = store::PageHashMap::open(settings_.meta_path, environment_.gate);
  if (map && !*map && !files.empty()) map = late_hashes(files.front());
  if (!map) return pass(map);
  if (!*map) return {};
  for (const LtxFileInfo& file : files) {
    if (file.range.max <= (*map)->txid()) continue;
    const bool follows = !(*map)->txid() || file.range.min == (*map)->txid().next();
    auto body = store_->open_file(file.range);
    if (!body && body.error().code != Errc::not_found) return pass(body);
    auto folded = follows && body ? (*map)->fold(**body) : Result<void>(fail(Errc::corrupt, "a file is missing"));
    if (!folded && folded.error().code != Errc::corrupt) return folded;
    if (!folded) {  // void: the next anchoring writes everything
      hashes_txid_ = {};
      return store::PageHashMap::remove(settings_.meta_path, environment_.gate);
    }
  }
  hashes_txid_ = (*map)->txid();
  return {};
}

}  // namespace replica::engine
