// What JetStream answers: JSON with what was asked for, or with an error.
#pragma once

#include "backend/json.hpp"
#include "backend/nats/connection.hpp"

namespace replica::backend::nats {

struct Answer {
  boost::json::object body;
  std::int64_t code = 0;  // err_code; 0 = none
  std::string description;

  static std::optional<Answer> parse(std::string_view text);
  const boost::json::object& part(std::string_view name) const;  // empty when there is none
};

Failure garbled(const Connection& connection, std::string_view what);
Failure refused(const Connection& connection, std::string_view what, const Answer& answer);

// The server's err_code (its errors.json).
inline constexpr std::int64_t kNoStream = 10059, kNoMessage = 10037;

}  // namespace replica::backend::nats
