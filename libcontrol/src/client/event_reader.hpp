// The lines of a stream of events as values, in both of its forms. Pure.
#pragma once

#include <boost/json/object.hpp>
#include <string>
#include <string_view>

#include "control/error.hpp"

namespace control {

// The address of `watch` with these parameters over HTTP.
std::string events_target(const boost::json::object& params);

class EventReader {
 public:
  // The lines are an HTTP response; else they are JSON-RPC.
  void expect_http() { http_ = head_ = true; }

  enum class Kind { nothing, subscribed, event };
  struct Item {
    Kind kind = Kind::nothing;
    boost::json::object value{};
  };
  // Takes the next line, without its end. An error: why there are no events, or no more.
  Result<Item> read(std::string_view line);

 private:
  Result<Item> read_rpc(std::string_view line);
  Result<Item> read_head(std::string_view line);
  Result<Item> read_refusal(std::string_view line);
  Result<Item> read_sse(std::string_view line);

  bool http_ = false;
  bool head_ = false;  // in the head of the response
  int status_ = 0;
  bool subscribed_ = false;
  std::string event_, data_;  // of the server-sent event that is being read
};

}  // namespace control
