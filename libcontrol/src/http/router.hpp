// Which HTTP request goes where, and which must not be answered at all. Pure.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "control/http.hpp"
#include "control/jsonrpc.hpp"
#include "control/server.hpp"
#include "http/rest.hpp"

namespace control {

struct RouterOptions {
  bool control_on_tcp = true;
  std::string bind_host{};  // of the TCP listener, without the port
  bool bound_to_loopback = false;
  std::vector<std::string> host_names{};
  std::function<std::string()> metrics{};
  std::function<Health(const HealthQuery&)> health{};
  HttpHandler http{};
  InvokeMethod invoke{};  // for the REST routes; empty = there are none
};

// The body of the request is JSON-RPC.
struct RouteToRpc {};
// Runs on a worker; `may_wait` says on which.
struct RouteToHandler {
  std::function<HttpResponse(const HttpRequest&)> run;
  bool may_wait = false;
  bool open = false;  // to everybody, without credentials
};
// A call of watch, answered by server-sent events.
struct RouteToEvents {
  jsonrpc::Request watch;
};
using Route = std::variant<HttpResponse, RouteToRpc, RouteToHandler, RouteToEvents>;

class Router {
 public:
  explicit Router(RouterOptions options) : options_(std::move(options)) {}

  Route route(const HttpRequest& request) const;

 private:
  std::optional<HttpResponse> refuse(const HttpRequest& request) const;
  Route control(const HttpRequest& request) const;
  Route events(const HttpRequest& request) const;
  Route read_only(const HttpRequest& request, std::function<HttpResponse(const HttpRequest&)> run) const;
  bool host_is_allowed(std::string_view host) const;

  RouterOptions options_;
};

// The answer to a request that was routed to RPC. `refused`: why its only call was turned away; decides the status.
HttpResponse rpc_response(std::optional<std::string> reply, const Error* refused = nullptr);

// The answer to a request of somebody who may not make it: 401, 403 or 429; an error of JSON-RPC under /control/.
HttpResponse refusal_response(const HttpRequest& request, const Error& error);

// "localhost:9090" → "localhost", "[::1]:80" → "::1", lower case.
std::string host_without_port(std::string_view host);

// localhost and its subdomains, 127.0.0.0/8, ::1.
bool is_loopback_name(std::string_view host);

}  // namespace control
