#include "http/router.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <cctype>
#include <charconv>

#include "control/jsonrpc.hpp"
#include "http/events_route.hpp"
#include "http/http_codec.hpp"

namespace control {
namespace {

std::string lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return out;
}

bool is_control(const std::string& path) { return path == "/control" || path.starts_with("/control/"); }

HttpResponse method_not_allowed(std::string allow) {
  HttpResponse response = text_response(405, "Method not allowed\n");
  response.headers.emplace_back("Allow", std::move(allow));
  return response;
}

HttpResponse not_found() { return text_response(404, "404 page not found\n"); }

// Types that a program sends on purpose, or that `curl -d` sends without being asked. What is left of those a web page
// can send without asking the server first carries an Origin and is refused for that.
bool is_accepted_type(std::optional<std::string_view> header) {
  if (!header) return true;
  std::string type = lower(header->substr(0, header->find(';')));
  type.erase(type.find_last_not_of(" \t") + 1);
  return type.empty() || type == "application/json" || type == "application/json-rpc" ||
         type == "application/x-www-form-urlencoded";
}

bool is_numeric(const std::string& host) {
  in6_addr address{};
  return inet_pton(AF_INET, host.c_str(), &address) == 1 || inet_pton(AF_INET6, host.c_str(), &address) == 1;
}

int status_of(const Error& error) {
  if (error.reason == "unauthenticated") return 401;
  return error.reason == "rate_limited" ? 429 : 403;
}

void add_advice(HttpResponse& response, const Error& error) {
  if (response.status == 401) response.headers.emplace_back("WWW-Authenticate", "Bearer realm=\"litestreamd\"");
  if (error.retry_after.count() == 0) return;
  const auto seconds = std::chrono::ceil<std::chrono::seconds>(error.retry_after);
  response.headers.emplace_back("Retry-After", std::to_string(seconds.count()));
}

bool is_health(const std::string& path) {
  return path == "/health" || path == "/healthz" || path == "/readyz" || path == "/livez";
}

// "max_lag=5" or "max_lag=0.5"; other parameters are left to those who know them.
std::optional<double> max_lag(std::string_view query, bool& valid) {
  constexpr std::string_view kName = "max_lag=";
  for (std::size_t at = 0; at < query.size();) {
    const std::string_view item = query.substr(at, query.find('&', at) - at);
    at += item.size() + 1;
    if (!item.starts_with(kName)) continue;
    const std::string_view text = item.substr(kName.size());
    double seconds = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
    valid = error == std::errc() && end == text.data() + text.size() && seconds >= 0;
    return seconds;
  }
  return std::nullopt;
}

HttpResponse answer_health(const std::function<Health(const HealthQuery&)>& health, const HttpRequest& request) {
  if (request.path == "/livez") return text_response(200, "ok\n");  // who answers lives
  bool valid = true;
  const HealthQuery query{.ready = request.path == "/readyz", .max_lag_seconds = max_lag(request.query, valid)};
  if (!valid) return text_response(400, "max_lag must be a number of seconds\n");
  Health now = health(query);
  return text_response(now.ok ? 200 : 503, std::move(now.text));
}

}  // namespace

std::string host_without_port(std::string_view host) {
  if (host.starts_with('[')) return lower(host.substr(1, host.find(']') == host.npos ? host.npos : host.find(']') - 1));
  return lower(host.substr(0, host.find(':')));
}

bool is_loopback_name(std::string_view host) {
  in_addr address{};
  if (inet_pton(AF_INET, std::string(host).c_str(), &address) == 1) return (ntohl(address.s_addr) >> 24) == 127;
  return host == "localhost" || host.ends_with(".localhost") || host == "::1";
}

// A browser that was led here by a name of somebody else's sends that name; it does not invent numeric addresses.
bool Router::host_is_allowed(std::string_view host) const {
  const std::string name = host_without_port(host);
  if (is_loopback_name(name) || name == lower(options_.bind_host)) return true;
  if (options_.bound_to_loopback && options_.host_names.empty()) return false;
  return is_numeric(name) || std::any_of(options_.host_names.begin(), options_.host_names.end(),
                                         [&](const std::string& allowed) { return lower(allowed) == name; });
}

std::optional<HttpResponse> Router::refuse(const HttpRequest& request) const {
  if (!request.path.starts_with('/')) return text_response(400, "Bad request: unsupported form of target\n");
  if (request.transport != Transport::tcp) return std::nullopt;
  if (request.header("Origin")) return text_response(403, "Requests from web pages are refused\n");
  const std::optional<std::string_view> host = request.header("Host");
  if (!host && request.version >= 11) return text_response(400, "Bad request: no Host\n");
  if (host && (options_.bound_to_loopback || !options_.host_names.empty()) && !host_is_allowed(*host)) {
    return text_response(403, "Host is not a name of this server\n");
  }
  return std::nullopt;
}

Route Router::control(const HttpRequest& request) const {
  if (request.transport == Transport::tcp && !options_.control_on_tcp) return not_found();
  if (request.method != "POST") return method_not_allowed("POST");
  if (request.transport == Transport::tcp && !is_accepted_type(request.header("Content-Type"))) {
    return text_response(415, "Content-Type must be application/json\n");
  }
  return RouteToRpc{};
}

Route Router::events(const HttpRequest& request) const {
  if (request.transport == Transport::tcp && !options_.control_on_tcp) return not_found();
  if (request.method != "GET") return method_not_allowed("GET");
  auto call = watch_request(request);
  if (auto* response = std::get_if<HttpResponse>(&call)) return std::move(*response);
  return RouteToEvents{std::move(std::get<jsonrpc::Request>(call))};
}

Route Router::read_only(const HttpRequest& request, std::function<HttpResponse(const HttpRequest&)> run) const {
  if (request.method != "GET" && request.method != "HEAD") return method_not_allowed("GET, HEAD");
  return RouteToHandler{.run = std::move(run), .open = true};
}

Route Router::route(const HttpRequest& request) const {
  if (std::optional<HttpResponse> refusal = refuse(request)) return std::move(*refusal);
  if (is_control(request.path)) return control(request);
  if (request.path == "/events") return events(request);
  if (request.path == "/metrics" && options_.metrics) {
    return read_only(request, [metrics = options_.metrics](const HttpRequest&) {
      return HttpResponse{.content_type = "text/plain; version=0.0.4; charset=utf-8", .body = metrics()};
    });
  }
  if (is_health(request.path) && options_.health) {
    return read_only(request, [health = options_.health](const HttpRequest& r) { return answer_health(health, r); });
  }
  if (request.transport == Transport::unix_socket && options_.invoke && !rest_method(request.path).empty()) {
    return RouteToHandler{
        .run = [invoke = options_.invoke](const HttpRequest& r) { return answer_rest(r, invoke); },
        .may_wait = request.method == "POST",
    };
  }
  if (!options_.http) return not_found();
  return RouteToHandler{
      .run = [http = options_.http](const HttpRequest& r) { return http(r).value_or(not_found()); },
      .may_wait = request.method != "GET" && request.method != "HEAD",
  };
}

HttpResponse rpc_response(std::optional<std::string> reply, const Error* refused) {
  HttpResponse response{.status = reply ? 200 : 204, .content_type = "application/json"};
  if (reply) response.body = std::move(*reply) + "\n";
  if (refused != nullptr) {
    response.status = status_of(*refused);
    add_advice(response, *refused);
  }
  return response;
}

HttpResponse refusal_response(const HttpRequest& request, const Error& error) {
  if (is_control(request.path)) return rpc_response(jsonrpc::print_error("null", error), &error);
  HttpResponse response = text_response(status_of(error), error.message + "\n");
  if (!error.hint.empty()) response.body += error.hint + "\n";
  add_advice(response, error);
  return response;
}

}  // namespace control
