// What all entries of the method table are made of.
#pragma once

#include <algorithm>
#include <boost/json/monotonic_resource.hpp>
#include <type_traits>

#include "control/methods.hpp"
#include "methods/api_fields.hpp"
#include "methods/request_memory.hpp"

namespace control {

inline constexpr std::chrono::milliseconds kQueryTimeout{10'000};  // of methods without a timeout of their own

inline constexpr ErrorDoc kNotFound{code::kApplication, "database not found: <path>", "not_found"};
// The change itself is made; what the file says is not.
inline constexpr ErrorDoc kConfigChanged{code::kApplication, "<done>, but <config file> was changed by somebody else",
                                         "config_changed"};

template <class Params>
std::chrono::milliseconds timeout_of(const Params& params) {
  if constexpr (requires { params.timeout; }) {
    return params.timeout;
  } else {
    return kQueryTimeout;
  }
}

template <class Params>
std::chrono::steady_clock::time_point deadline_of(const Params& params, const Arrival& arrival) {
  auto deadline = arrival.at + working_time(timeout_of(params));
  if constexpr (requires { params.safety; }) {
    if (params.safety.deadline)
      deadline = std::min(deadline, arrival.at + (*params.safety.deadline - arrival.on_the_clock));
  }
  return deadline;
}

template <class T>
boost::json::value to_result(std::vector<T> entries) {
  // Thousands of small values that live and die together.
  const auto memory = boost::json::make_shared_resource<boost::json::monotonic_resource>();
  boost::json::array array(memory);
  array.reserve(entries.size());
  for (T& entry : entries) array.push_back(encode(std::move(entry), memory));
  return array;
}

template <class T>
boost::json::value to_result(T value) {
  return encode(std::move(value));
}

// What makes two calls the same one: all but how long to wait.
template <class Params>
std::string identity(std::string_view method, Params params) {
  params.safety = {};
  if constexpr (requires { params.timeout; }) params.timeout = kDefaultTimeout;
  return std::string(method) + " " + boost::json::serialize(encode(std::move(params)));
}

// Two callers may use the same ID; neither hears of the other's outcome. The name of a caller is one line.
inline std::string own_id(const Arrival& arrival, const std::string& request_id) {
  return (arrival.caller ? arrival.caller->name : std::string()) + "\n" + request_id;
}

// Decode, call, encode: the same for every method.
template <class Params, auto kMember>
Result<boost::json::value> call(Service& service, const boost::json::object& object, const Arrival& arrival,
                                std::string_view name) {
  Result<Params> params = decode<Params>(object);
  if (!params) return fail(std::move(params.error()));
  const Call call{.deadline = deadline_of(*params, arrival), .stop = arrival.stop};
  if (call.stop.stop_requested()) {
    return fail({.message = "the daemon is shutting down", .reason = "shutting_down", .retryable = true});
  }
  if (std::chrono::steady_clock::now() >= call.deadline) return fail(timeout_error(name));
  const auto work = [&]() -> Result<boost::json::value> {
    auto result = [&] {
      if constexpr (std::is_same_v<Params, NoParams>) {
        return (service.*kMember)(call);
      } else {
        return (service.*kMember)(*params, call);
      }
    }();
    if (!result) return fail(std::move(result.error()));
    return to_result(std::move(*result));
  };
  if constexpr (requires { params->safety; }) {
    const Safety& safety = params->safety;
    if (arrival.memory != nullptr && safety.request_id && !safety.dry_run) {
      return arrival.memory->run(own_id(arrival, *safety.request_id), identity(name, *params), call, arrival.at, work);
    }
  }
  return work();
}

}  // namespace control
