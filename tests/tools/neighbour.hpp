// A second database that somebody writes to all the time. In a replicator that may hold one database open it is opened
// and let go of in turns with the one on trial.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "replica/replicator.hpp"

namespace tools {

// Rows 1, 2, 3… each in a transaction of its own, until it is destroyed, whether anybody replicates them or not.
class Neighbour {
 public:
  explicit Neighbour(std::string directory);  // of the trial
  ~Neighbour();
  Neighbour(const Neighbour&) = delete;
  Neighbour& operator=(const Neighbour&) = delete;

  replica::DatabaseConfig config() const;
  std::string path() const { return directory_ + "/neighbour.db"; }
  std::int64_t committed() const { return committed_; }

  // What is wrong, or empty: a restore has all rows up to one not before `promised`, and no torn one.
  std::string check(std::int64_t promised, const replica::Call& call);

 private:
  void write();
  std::string look_at(const std::string& restored, std::int64_t promised) const;

  std::string directory_, wrong_;  // of writing; read once the thread has ended or under lock_
  std::shared_ptr<replica::Backend> backend_;
  std::atomic<std::int64_t> committed_{0};
  std::mutex lock_;
  std::condition_variable wake_;
  bool ending_ = false;
  std::thread writer_;
};

}  // namespace tools
