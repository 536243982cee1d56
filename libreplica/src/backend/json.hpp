// What stores answer in JSON, read without exceptions: what is missing or of another kind is empty.
#pragma once

#include <boost/json.hpp>
#include <optional>
#include <string>
#include <string_view>

namespace replica::backend {

// nullopt for what is no JSON, or no object.
std::optional<boost::json::object> parse_object(std::string_view text);

std::string text_in(const boost::json::object& in, std::string_view name);                   // empty when there is none
std::uint64_t number_in(const boost::json::object& in, std::string_view name);               // 0 when there is none
const boost::json::object& object_in(const boost::json::object& in, std::string_view name);  // empty when there is none

}  // namespace replica::backend
