#include "engine/page_runs.hpp"

#include <algorithm>
#include <condition_variable>
#include <mutex>

#include "ltx/page_codec.hpp"
#include "store/page_hash_map.hpp"

namespace replica::engine {
namespace {

constexpr std::size_t kRunBytes = 256U << 10;
constexpr std::size_t kRuns = 8;
constexpr std::size_t kWorthHelp = 16;  // runs: below, a thread costs what it saves

// Consecutive pages, and what was made of them.
struct Run {
  std::vector<PageNo> numbers;
  std::vector<std::byte> images, blocks;
  std::vector<std::size_t> block_sizes;
  std::vector<std::uint64_t> hashes;
  bool prepared = false;
};

class Runs {
 public:
  Runs(DatabaseImage& image, const TakePage& take)
      : image_(image),
        take_(take),
        page_size_(image.page_size()),
        block_room_(ltx::compressed_bound(image.page_size())),
        pages_(std::max<std::size_t>(kRunBytes / image.page_size(), 1)),
        runs_(std::clamp<std::size_t>(image.commit() / pages_ + 1, 1, kRuns)) {}

  bool are_many() const { return image_.commit() / pages_ >= kWorthHelp; }
  // By the calling thread.
  Result<void> each();
  // By a helper: prepares runs until there are no more.
  void help();
  void end();  // nothing more is read; lets the helper go

 private:
  Run& run(std::size_t number) { return runs_[number % runs_.size()]; }
  Result<void> read_next();
  Result<void> take_oldest();
  void prepare(Run& run) const;
  void prepare_one(std::unique_lock<std::mutex>& lock);

  DatabaseImage& image_;
  const TakePage& take_;
  const std::size_t page_size_, block_room_, pages_;  // pages of a run
  PageNo next_page_ = 1;
  std::size_t taken_ = 0;  // runs; only the calling thread's

  std::mutex mutex_;
  std::condition_variable changed_;
  // A ring. Runs from begun_ to read_ are nobody's; one that was begun is its preparer's until it is prepared.
  std::vector<Run> runs_;
  std::size_t read_ = 0, begun_ = 0;  // guarded by mutex_; read_ is written by the calling thread only
  bool ended_ = false;                // guarded by mutex_
};

Result<void> Runs::each() {
  while (next_page_ <= image_.commit()) {
    if (read_ - taken_ == runs_.size()) {
      if (auto r = take_oldest(); !r) return r;
    }
    if (auto r = read_next(); !r) return r;
  }
  while (taken_ < read_) {
    if (auto r = take_oldest(); !r) return r;
  }
  return {};
}

Result<void> Runs::read_next() {
  Run& to = run(read_);
  to.numbers.clear();
  to.prepared = false;
  const std::size_t count = std::min<std::size_t>(pages_, image_.commit() - next_page_ + 1);
  to.images.resize(count * page_size_);
  to.blocks.resize(count * block_room_);
  to.block_sizes.resize(count);
  to.hashes.resize(count);
  for (; to.numbers.size() < count && next_page_ <= image_.commit(); ++next_page_) {
    if (next_page_ == lock_page(image_.page_size())) continue;
    const MutableBytes out = MutableBytes(to.images).subspan(to.numbers.size() * page_size_, page_size_);
    if (auto r = image_.read(next_page_, out); !r) return r;
    to.numbers.push_back(next_page_);
  }
  {
    const std::scoped_lock lock(mutex_);
    ++read_;
  }
  changed_.notify_all();
  return {};
}

// While others are at the oldest there are later ones to prepare.
Result<void> Runs::take_oldest() {
  Run& oldest = run(taken_);
  {
    std::unique_lock lock(mutex_);
    while (!oldest.prepared) {
      if (begun_ < read_) {
        prepare_one(lock);
      } else {
        changed_.wait(lock);
      }
    }
  }
  for (std::size_t n = 0; n < oldest.numbers.size(); ++n) {
    const Bytes image = Bytes(oldest.images).subspan(n * page_size_, page_size_);
    const Bytes block = Bytes(oldest.blocks).subspan(n * block_room_, oldest.block_sizes[n]);
    if (auto r = take_({{oldest.numbers[n], image, block}, oldest.hashes[n]}); !r) return r;
  }
  ++taken_;
  return {};
}

void Runs::prepare_one(std::unique_lock<std::mutex>& lock) {
  Run& mine = run(begun_++);
  lock.unlock();
  prepare(mine);
  lock.lock();
  mine.prepared = true;
  changed_.notify_all();
}

void Runs::prepare(Run& run) const {
  for (std::size_t n = 0; n < run.numbers.size(); ++n) {
    const Bytes image = Bytes(run.images).subspan(n * page_size_, page_size_);
    run.hashes[n] = store::page_hash(image);
    run.block_sizes[n] = ltx::compress_page(image, MutableBytes(run.blocks).subspan(n * block_room_, block_room_));
  }
}

void Runs::help() {
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait(lock, [this] { return ended_ || begun_ < read_; });
    if (ended_) return;
    prepare_one(lock);
  }
}

void Runs::end() {
  {
    const std::scoped_lock lock(mutex_);
    ended_ = true;
  }
  changed_.notify_all();
}

struct LetGo {
  Runs& runs;
  ~LetGo() { runs.end(); }
};

}  // namespace

Result<void> each_page(DatabaseImage& image, Helpers* helpers, const TakePage& take) {
  Runs runs(image, take);
  std::unique_ptr<Helpers::Help> help;
  if (helpers != nullptr && runs.are_many()) help = helpers->begin([&runs] { runs.help(); });
  const LetGo let_go{runs};  // before the helper is waited for
  return runs.each();
}

}  // namespace replica::engine
