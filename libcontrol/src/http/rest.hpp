// The peer's REST routes, so that its command line works against us: POST /start, /stop, /sync, /register, /unregister,
// GET /list, /info, /txid, /debug/sync-status. The same bodies, statuses and texts; the work is done by the methods of
// the table. Pure.
#pragma once

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>
#include <functional>
#include <optional>
#include <string_view>

#include "control/error.hpp"
#include "control/http.hpp"
#include "control/methods.hpp"

namespace control {

// Calls the method of that name.
using InvokeMethod = std::function<Result<boost::json::value>(
    std::string_view method, const boost::json::object& params, const Arrival& arrival)>;

// The name of the method that does most of the work; empty when the path is none of these routes.
std::string_view rest_method(std::string_view path);

// How the route is called: "GET, HEAD" or "POST"; for the paths that rest_method knows.
std::string_view rest_allows(std::string_view path);

// The answer, 405 included. Only for the paths that rest_method knows.
HttpResponse answer_rest(const HttpRequest& request, const InvokeMethod& invoke);

}  // namespace control
