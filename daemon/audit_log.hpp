// Who changed what, and who was turned away: one JSON object a line.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <string>

#include "control/observer.hpp"
#include "process.hpp"
#include "replica/clock.hpp"
#include "replica/log.hpp"

namespace litestreamd {

// One line without its end. Parameters that may be secret are not in it, nor are the credentials of addresses.
std::string audit_line(const control::CallRecord& call, replica::Timestamp time);

// Safe from several threads. A line is one write to a file opened for appending.
class AuditLog {
 public:
  // Makes the file with mode 0600 when there is none. `clock` and `log` must outlive it.
  static replica::Result<std::unique_ptr<AuditLog>> open(std::string path, const replica::Clock& clock,
                                                         replica::Logger& log);

  // Calls that change something, and those that were refused; the others are not written.
  void note(const control::CallRecord& call);

  // Goes on in a new file when the old one was moved away. After an error it goes on in the old one.
  replica::Result<void> reopen();

 private:
  AuditLog(std::string path, const replica::Clock& clock, replica::Logger& log, Fd file)
      : path_(std::move(path)), clock_(clock), log_(log), file_(std::move(file)) {}
  void write(const std::string& line);

  const std::string path_;
  const replica::Clock& clock_;
  replica::Logger& log_;
  std::mutex mutex_;  // guards what follows
  Fd file_;
  bool failing_ = false;  // said once in the log
};

}  // namespace litestreamd
