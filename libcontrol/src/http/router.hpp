// Which HTTP request goes where, and which must not be answered at all. Pure.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <variant>

#include "control/http.hpp"
#include "control/server.hpp"

namespace control {

struct RouterOptions {
  bool control_on_tcp = true;
  std::string bind_host{};  // of the TCP listener, without the port
  bool bound_to_loopback = false;
  std::function<std::string()> metrics{};
  std::function<Health(const HealthQuery&)> health{};
  HttpHandler http{};
};

// The body of the request is JSON-RPC.
struct RouteToRpc {};
// Runs on a worker; `may_wait` says on which.
struct RouteToHandler {
  std::function<HttpResponse(const HttpRequest&)> run;
  bool may_wait = false;
};
using Route = std::variant<HttpResponse, RouteToRpc, RouteToHandler>;

class Router {
 public:
  explicit Router(RouterOptions options) : options_(std::move(options)) {}

  Route route(const HttpRequest& request) const;

 private:
  std::optional<HttpResponse> refuse(const HttpRequest& request) const;
  Route control(const HttpRequest& request) const;
  Route read_only(const HttpRequest& request, std::function<HttpResponse(const HttpRequest&)> run) const;
  bool host_is_allowed(std::string_view host) const;

  RouterOptions options_;
};

// The answer to a request that was routed to RPC.
HttpResponse rpc_response(std::optional<std::string> reply);

// "localhost:9090" → "localhost", "[::1]:80" → "::1", lower case.
std::string host_without_port(std::string_view host);

// localhost and its subdomains, 127.0.0.0/8, ::1.
bool is_loopback_name(std::string_view host);

}  // namespace control
