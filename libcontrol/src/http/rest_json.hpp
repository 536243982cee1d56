// JSON as the peer reads and writes it.
#pragma once

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "control/error.hpp"
#include "control/http.hpp"

namespace control {

// The first JSON value of a body: what follows it is ignored, null is an empty object, member names match in any case.
// The message of an error is what the peer gives as `details`.
class RestBody {
 public:
  static Result<RestBody> read(std::string_view text);

  // Absent and null members are empty, 0 and false. An error when the type is another.
  Result<std::string> text(std::string_view name) const;
  Result<std::int64_t> integer(std::string_view name) const;
  Result<bool> boolean(std::string_view name) const;

 private:
  explicit RestBody(boost::json::object object) : object_(std::move(object)) {}
  const boost::json::value* find(std::string_view name) const;

  boost::json::object object_;
};

// The value of a query parameter, decoded; empty when it is absent or badly encoded.
std::string query_value(std::string_view query, std::string_view name);

// One line with <, > and & written as \u003c, \u003e and \u0026.
HttpResponse json_response(int status, const boost::json::value& body);

HttpResponse rest_error(int status, std::string_view text, std::optional<std::string_view> details = {});

}  // namespace control
