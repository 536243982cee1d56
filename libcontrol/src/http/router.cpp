#include "http/router.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <cctype>
#include <charconv>

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

bool Router::host_is_allowed(std::string_view host) const {
  const std::string name = host_without_port(host);
  return is_loopback_name(name) || name == lower(options_.bind_host);
}

std::optional<HttpResponse> Router::refuse(const HttpRequest& request) const {
  if (!request.path.starts_with('/')) return text_response(400, "Bad request: unsupported form of target\n");
  if (request.transport != Transport::tcp) return std::nullopt;
  if (request.header("Origin")) return text_response(403, "Requests from web pages are refused\n");
  const std::optional<std::string_view> host = request.header("Host");
  if (!host && request.version >= 11) return text_response(400, "Bad request: no Host\n");
  if (host && options_.bound_to_loopback && !host_is_allowed(*host)) {
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

Route Router::read_only(const HttpRequest& request, std::function<HttpResponse(const HttpRequest&)> run) const {
  if (request.method != "GET" && request.method != "HEAD") return method_not_allowed("GET, HEAD");
  return RouteToHandler{.run = std::move(run)};
}

Route Router::route(const HttpRequest& request) const {
  if (std::optional<HttpResponse> refusal = refuse(request)) return std::move(*refusal);
  if (is_control(request.path)) return control(request);
  if (request.path == "/metrics" && options_.metrics) {
    return read_only(request, [metrics = options_.metrics](const HttpRequest&) {
      return HttpResponse{.content_type = "text/plain; version=0.0.4; charset=utf-8", .body = metrics()};
    });
  }
  if (is_health(request.path) && options_.health) {
    return read_only(request, [health = options_.health](const HttpRequest& r) { return answer_health(health, r); });
  }
  if (!options_.http) return not_found();
  return RouteToHandler{
      .run = [http = options_.http](const HttpRequest& r) { return http(r).value_or(not_found()); },
      .may_wait = request.method != "GET" && request.method != "HEAD",
  };
}

HttpResponse rpc_response(std::optional<std::string> reply) {
  if (!reply) return {.status = 204};
  return {.content_type = "application/json", .body = std::move(*reply) + "\n"};
}

}  // namespace control
