// What a watcher is sent, without the connection: events as lines of JSON-RPC or as server-sent events, and why it
// ends.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "control/events.hpp"

namespace control {

class EventStream {
 public:
  enum class Form { lines, server_sent };

  EventStream(std::shared_ptr<EventSource> source, Form form) : source_(std::move(source)), form_(form) {}

  // What comes before the first event. `result`: the text of the reply to watch.
  std::string opening(const std::string& result) const;
  // What is to be sent now; empty: nothing new, or finished.
  std::string take();
  // Ends when what is there has been taken, and says why.
  void end(Error reason) { ending_ = std::move(reason); }
  bool finished() const { return finished_; }

  // Shows that somebody is still there; empty where there is no such thing.
  std::string heartbeat() const { return form_ == Form::lines ? "" : ":\n\n"; }
  Form form() const { return form_; }
  EventSource& source() { return *source_; }

 private:
  std::string print(EventNotice event) const;
  std::string print_end(const Error& reason) const;

  std::shared_ptr<EventSource> source_;
  Form form_;
  std::optional<Error> ending_;
  bool finished_ = false;
};

}  // namespace control
