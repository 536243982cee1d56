// The state of a database right now, as a file.
#include "engine/database.hpp"
#include "engine/lane_lock.hpp"
#include "engine/page_runs.hpp"

namespace replica::engine {

// The state right now as a scratch file; the pin is gone when this returns.
Result<ScratchFile> Database::pin_snapshot(const Call& call) {
  constexpr int kAttempts = 10;
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    auto pinned = [&]() -> Result<PinnedImage> {
      auto lock = lock_lane(capture_lock_, call, "snapshot");
      if (!lock) return pass(lock);
      if (is_aside()) return fail(Errc::cancelled, "database was let go of");
      if (resting_) resting_->left.main = {};                 // let go of just now: is not what it looks like
      if (auto r = capture_locked(call); !r) return pass(r);  // attaches when it has to
      auto image = capture_->pin_image();
      refresh_status();
      return image;
    }();
    if (!pinned && pinned.error().code == Errc::busy) continue;
    if (!pinned) return pass(pinned);

    DatabaseImage& image = pinned->image;
    LtxHeader header;
    header.page_size = image.page_size();
    header.commit = image.commit();
    header.range = {TxId{1}, pinned->txid};
    header.timestamp = environment_.clock->now();
    auto add_pages = [&](LtxEncoder& encoder) -> Result<void> {
      return each_page(image, environment_.helpers, [&](const PreparedPage& prepared) -> Result<void> {
        if (prepared.page.page % 4096 == 0) {
          if (auto r = call.check("snapshot"); !r) return r;
        }
        return encoder.add(prepared.page);
      });
    };
    auto scratch = ScratchFile::write(scratch_directory(), header, add_pages, environment_.gate);
    if (!scratch) return pass(scratch, "write snapshot");
    auto valid = image.still_valid();
    if (!valid) return pass(valid);
    if (*valid) return scratch;
  }
  return fail(Errc::busy, "database " + config_.path + " never held still for a snapshot");
}

}  // namespace replica::engine
