#include "restore/workers.hpp"

#include <algorithm>
#include <atomic>
#include <system_error>
#include <thread>

namespace replica::restore {
namespace {

Result<void> check_header(const LtxHeader& header, const Work& work, std::size_t number) {
  if (header.range != work.files[number].range) {
    return fail(Errc::corrupt, "the file holds transactions " + ltx_file_name(header.range));
  }
  if (header.page_size != work.target.page_size()) {
    return fail(Errc::corrupt, "page size " + std::to_string(header.page_size) + " differs from the newest file's " +
                                   std::to_string(work.target.page_size()));
  }
  if (number + 1 == work.files.size() && header.commit != work.target.commit()) {
    return fail(Errc::corrupt, "the file changed while it was read");
  }
  return {};
}

// Returns the database size the file leaves.
Result<PageNo> apply_file(const Work& work, std::size_t number, const Call& call) {
  auto reader = work.replica.open(work.files[number], call);
  if (!reader) return pass(reader);
  CountingReader counted(**reader, work.meter);
  auto decoder = LtxDecoder::begin(counted);
  if (!decoder) return pass(decoder);
  if (auto fits = check_header(decoder->header(), work, number); !fits) return pass(fits);
  auto writer = PageWriter::open(work.target, static_cast<std::uint32_t>(number));
  if (!writer) return pass(writer);
  while (true) {
    if (auto open = call.check("restore"); !open) return pass(open);
    auto page = decoder->next();
    if (!page) return pass(page);
    if (!*page) break;
    if (auto added = writer->add((*page)->page, (*page)->image); !added) return pass(added);
  }
  if (auto flushed = writer->flush(); !flushed) return pass(flushed);
  counted.finished();
  return decoder->header().commit;
}

class Crew {
 public:
  Crew(const Work& work, const Call& call)
      : work_(work),
        left_(work.files.size()),
        commits_(work.files.size()),
        forward_(call.stop, Forward{&stop_}),
        call_{.stop = stop_.get_token(), .deadline = call.deadline} {}

  // Takes files until there are none or somebody failed.
  void run() {
    while (!has_failed()) {
      std::size_t left = left_.load();
      while (left > 0 && !left_.compare_exchange_weak(left, left - 1)) {
      }
      if (left == 0) return;
      const std::size_t number = left - 1;
      if (auto commit = apply_file(work_, number, call_)) {
        commits_[number] = *commit;
      } else {
        const auto& file = work_.files[number];
        failed(
            std::move(commit.error()).within("restore level " + std::to_string(file.level) + " file " + file.name()));
      }
    }
  }

  Result<std::vector<PageNo>> result() {
    if (error_) return Failure(std::move(*error_));
    return std::move(commits_);
  }

 private:
  struct Forward {
    std::stop_source* to;
    void operator()() const noexcept { to->request_stop(); }
  };

  bool has_failed() {
    const std::lock_guard lock(mutex_);
    return error_.has_value();
  }
  void failed(Error error) {
    const std::lock_guard lock(mutex_);
    if (!error_) error_ = std::move(error);
    stop_.request_stop();
  }

  const Work& work_;
  std::atomic<std::size_t> left_;  // files [0, left_) are not taken yet
  std::vector<PageNo> commits_;    // each by the worker that took the file
  std::mutex mutex_;
  std::optional<Error> error_;  // guarded by mutex_
  std::stop_source stop_;
  std::stop_callback<Forward> forward_;
  Call call_;
};

}  // namespace

Result<std::vector<PageNo>> apply_files(const Work& work, int parallelism, const Call& call) {
  Crew crew(work, call);
  const auto workers = std::min(static_cast<std::size_t>(std::max(parallelism, 1)), work.files.size());
  {
    std::vector<std::jthread> others;  // joined at the end of this block
    try {
      while (others.size() + 1 < workers) others.emplace_back([&crew] { crew.run(); });
    } catch (const std::system_error&) {  // NOLINT(bugprone-empty-catch)
      // The system gives no more threads; those there are do all the work.
    }
    crew.run();
  }
  return crew.result();
}

}  // namespace replica::restore
