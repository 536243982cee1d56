// GET /events as a call of watch, and its refusals as HTTP.
#pragma once

#include <variant>

#include "control/http.hpp"
#include "control/jsonrpc.hpp"

namespace control {

// The call, or the answer to a request that makes none.
std::variant<jsonrpc::Request, HttpResponse> watch_request(const HttpRequest& request);

// The answer when the call was refused with `error`.
HttpResponse watch_refusal(const Error& error);

}  // namespace control
