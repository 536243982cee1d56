// RestoreOptions::parallelism is how many files are fetched at once: no fewer, no more.
#include <atomic>
#include <condition_variable>
#include <mutex>

#include "restore_fixture.hpp"

using namespace restore_fixture;

namespace {

// Holds every fetch back until `wanted` are under way together, and remembers how many there ever were.
class Meeting {
 public:
  explicit Meeting(int wanted) : wanted_(wanted) {}

  void fetch() {
    std::unique_lock lock(mutex_);
    most_ = std::max(most_, ++inside_);
    changed_.notify_all();
    const auto patience = std::chrono::seconds(20);
    if (!changed_.wait_for(lock, patience, [&] { return most_ >= wanted_; })) alone_ = true;
    --inside_;
  }
  int most() const { return most_; }
  bool somebody_waited_in_vain() const { return alone_; }

 private:
  const int wanted_;
  std::mutex mutex_;
  std::condition_variable changed_;
  int inside_ = 0, most_ = 0;
  bool alone_ = false;
};

}  // namespace

TEST_CASE("as many files are fetched at once as asked for") {
  const int parallelism = GENERATE(1, 3, 6);
  CAPTURE(parallelism);
  Fixture fixture;
  fixture.put(kSnapshotLevel, header(1, 1, 2), {{1, image(512, 1)}, {2, image(512, 2)}});
  for (std::uint64_t txid = 2; txid <= 9; ++txid) {
    fixture.put(0, header(txid, txid, 2), {{2, image(512, static_cast<std::uint32_t>(txid))}});
  }
  Meeting meeting(parallelism);
  std::atomic<bool> header_read = false;  // the newest file's, alone and before the rest
  const std::shared_ptr<Backend> watched =
      make_faulty_backend(fixture.backend, [&](std::string_view operation, std::string_view) {
        if (operation == "get" && header_read.exchange(true)) meeting.fetch();
        return std::optional<Fault>();
      });
  RestoreOptions options = fixture.options();
  options.parallelism = parallelism;
  auto restored = restore_database(Replica(watched, ""), {}, options, {});
  INFO(error_of(restored));
  REQUIRE(restored);
  CHECK_FALSE(meeting.somebody_waited_in_vain());
  CHECK(meeting.most() == parallelism);
}
