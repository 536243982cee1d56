// What becomes of the calls, for audit logs and metrics.
#pragma once

#include <boost/json/value.hpp>
#include <chrono>
#include <functional>
#include <string_view>

#include "control/access.hpp"

namespace control {

// The references hold during the call of the observer only.
struct CallRecord {
  const Principal* caller = nullptr;  // nullptr: unknown, or a call from inside the process
  Transport transport = Transport::unix_socket;
  std::string_view method{};                   // as asked for; empty when the request was refused unread
  const Method* known = nullptr;               // its entry in the table
  const boost::json::value* params = nullptr;  // may hold secrets
  std::string_view id{};                       // as JSON text; empty for a notification
  const Error* error = nullptr;                // nullptr: success
  std::chrono::nanoseconds duration{};

  // Changes something, or would have.
  bool changes() const;
  // The caller was turned away: "forbidden", "unauthenticated" or "rate_limited".
  bool refused() const;
};

// Called on the thread that made the call, from several at once; the io thread is among them.
using CallObserver = std::function<void(const CallRecord&)>;

}  // namespace control
