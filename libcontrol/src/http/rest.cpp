#include "http/rest.hpp"

#include <algorithm>
#include <array>

#include "http/http_codec.hpp"
#include "http/rest_json.hpp"

namespace control {
namespace {

namespace json = boost::json;

constexpr std::int64_t kMaxSeconds = 86'400;

// One request under way.
struct Context {
  const HttpRequest& request;
  const InvokeMethod& invoke_method;

  Result<json::value> invoke(std::string_view method, const json::object& params = {}) const {
    return invoke_method(
        method, params,
        Arrival{
            .at = request.received, .stop = request.stop, .caller = request.caller, .transport = request.transport});
  }
};

// What the peer answers with, by route; `not_found` differs between them.
HttpResponse failed(const Error& error, int not_found = 500) {
  const auto status = [&] {
    if (error.code == code::kInvalidParams) return 400;
    if (error.reason == "not_found") return not_found;
    if (error.reason == "not_open") return 409;
    if (error.reason == "invalid_replica_url") return 400;
    if (error.reason == "forbidden") return 403;
    if (error.reason == "shutting_down") return 503;
    return 500;
  };
  return rest_error(status(), error.message);
}

// An error of a route that names no path.
HttpResponse failed_query(const Error& error) {
  return error.reason == "not_found" ? rest_error(404, "database not found") : failed(error);
}

json::value member(const json::value& object, std::string_view name, const json::value& otherwise) {
  const json::value* found = object.as_object().if_contains(name);
  return found == nullptr ? otherwise : *found;
}

// Members that there may be, in the order given.
void copy_some(const json::value& from, std::initializer_list<std::string_view> names, json::object& to) {
  for (const std::string_view name : names)
    if (const json::value* found = from.as_object().if_contains(name)) to[name] = *found;
}

// What all bodies hold, as parameters of a method.
struct Command {
  RestBody body;
  json::object params;
};

tl::expected<Command, HttpResponse> read_command(const Context& context, bool takes_timeout = true) {
  const auto unreadable = [](const Error& error) {
    return tl::unexpected(rest_error(400, "invalid request body", error.message));
  };
  auto body = RestBody::read(context.request.body);
  if (!body) return unreadable(body.error());
  const auto path = body->text("path");
  if (!path) return unreadable(path.error());
  const auto seconds = takes_timeout ? body->integer("timeout") : Result<std::int64_t>(0);
  if (!seconds) return unreadable(seconds.error());
  if (path->empty()) return tl::unexpected(rest_error(400, "path required"));
  json::object params{{"path", *path}};
  if (*seconds > 0) params["timeout"] = std::min(*seconds, kMaxSeconds);
  return Command{std::move(*body), std::move(params)};
}

json::object outcome(std::string_view status, const json::value& path, const json::value& txid) {
  return {{"status", status}, {"path", path}, {"txid", txid}};
}

// What is so already is no error here.
HttpResponse already(const Context& context, const Command& command, std::string_view status) {
  const json::value& path = command.params.at("path");
  const auto entries = context.invoke("sync_status", {{"path", path}});
  if (!entries) return failed(entries.error());
  const json::value& entry = entries->as_array().at(0);
  return json_response(200, outcome(status, entry.at("path"), member(entry, "txid", 0)));
}

HttpResponse start(const Context& context) {
  const auto command = read_command(context);
  if (!command) return command.error();
  const auto result = context.invoke("start", command->params);
  if (!result && result.error().reason == "already_enabled") return already(context, *command, "already_running");
  if (!result) return failed(result.error());
  return json_response(200, outcome("started", result->at("path"), member(*result, "txid", 0)));
}

HttpResponse stop(const Context& context) {
  const auto command = read_command(context);
  if (!command) return command.error();
  const auto result = context.invoke("stop", command->params);
  if (!result && result.error().reason == "already_disabled") return already(context, *command, "already_stopped");
  if (!result) return failed(result.error());
  return json_response(200, outcome("stopped", result->at("path"), member(*result, "txid", 0)));
}

HttpResponse sync(const Context& context) {
  auto command = read_command(context);
  if (!command) return command.error();
  const auto wait = command->body.boolean("wait");
  if (!wait) return rest_error(400, "invalid request body", wait.error().message);
  command->params["wait"] = *wait;
  const auto result = context.invoke("sync", command->params);
  if (!result) {
    constexpr std::string_view kOurs = "sync failed: ";
    Error error = result.error();
    if (error.message.starts_with(kOurs)) error.message.replace(0, kOurs.size(), "sync database: ");
    return failed(error, 404);
  }
  json::object body = outcome(result->at("status").as_string(), result->at("path"), member(*result, "txid", 0));
  body["replicated_txid"] = member(*result, "replicated_txid", 0);
  return json_response(200, body);
}

HttpResponse add(const Context& context) {
  auto command = read_command(context, false);
  if (!command) return command.error();
  const auto url = command->body.text("replica_url");
  if (!url) return rest_error(400, "invalid request body", url.error().message);
  if (url->empty()) return rest_error(400, "replica_url required");
  command->params["replica_url"] = *url;
  const auto result = context.invoke("register", command->params);
  if (!result) return failed(result.error());
  return json_response(200, json::object{{"status", result->at("status")}, {"path", result->at("path")}});
}

HttpResponse remove(const Context& context) {
  const auto command = read_command(context);
  if (!command) return command.error();
  const auto result = context.invoke("unregister", command->params);
  if (!result) return failed(result.error());
  return json_response(200, outcome(result->at("status").as_string(), result->at("path"), member(*result, "txid", 0)));
}

HttpResponse list(const Context& context) {
  const auto entries = context.invoke("sync_status");
  if (!entries) return failed(entries.error());
  json::array databases;
  for (const json::value& entry : entries->as_array()) {
    const bool open = entry.at("status") == "open";
    json::object one{{"path", entry.at("path")}, {"status", open ? "replicating" : "stopped"}};
    copy_some(entry, {"last_sync_at"}, one);
    databases.push_back(std::move(one));
  }
  return json_response(200, json::object{{"databases", std::move(databases)}});
}

HttpResponse info(const Context& context) {
  const auto result = context.invoke("info");
  if (!result) return failed(result.error());
  std::string_view version = result->at("version").as_string();
  if (version.starts_with('v')) version.remove_prefix(1);
  return json_response(200, json::object{{"version", version},
                                         {"pid", result->at("pid")},
                                         {"uptime_seconds", member(*result, "uptime_seconds", 0)},
                                         {"started_at", result->at("started_at")},
                                         {"database_count", result->at("databases")}});
}

HttpResponse txid(const Context& context) {
  const std::string path = query_value(context.request.query, "path");
  if (path.empty()) return rest_error(400, "path required");
  const auto result = context.invoke("txid", {{"path", path}});
  if (!result) return failed_query(result.error());
  return json_response(200, json::object{{"txid", result->at("txid")}});
}

HttpResponse sync_status(const Context& context) {
  const std::string path = query_value(context.request.query, "path");
  const auto entries = context.invoke("sync_status", path.empty() ? json::object() : json::object{{"path", path}});
  if (!entries) return failed_query(entries.error());
  json::array databases;
  for (const json::value& entry : entries->as_array()) {
    json::object one;
    copy_some(entry, {"path", "active", "operation", "txid", "wal_size", "error"}, one);
    databases.push_back(std::move(one));
  }
  return json_response(200, json::object{{"databases", std::move(databases)}});
}

struct RestRoute {
  std::string_view path, method;
  bool is_query;
  HttpResponse (*answer)(const Context&);
};

constexpr std::array kRoutes{
    RestRoute{"/start", "start", false, start},
    RestRoute{"/stop", "stop", false, stop},
    RestRoute{"/sync", "sync", false, sync},
    RestRoute{"/register", "register", false, add},
    RestRoute{"/unregister", "unregister", false, remove},
    RestRoute{"/list", "list", true, list},
    RestRoute{"/info", "info", true, info},
    RestRoute{"/txid", "txid", true, txid},
    RestRoute{"/debug/sync-status", "sync_status", true, sync_status},
};

const RestRoute* find_route(std::string_view path) {
  const auto* found = std::find_if(kRoutes.begin(), kRoutes.end(), [&](const RestRoute& r) { return r.path == path; });
  return found == kRoutes.end() ? nullptr : found;
}

}  // namespace

std::string_view rest_method(std::string_view path) {
  const RestRoute* route = find_route(path);
  return route == nullptr ? std::string_view() : route->method;
}

std::string_view rest_allows(std::string_view path) {
  const RestRoute* route = find_route(path);
  return route != nullptr && route->is_query ? "GET, HEAD" : "POST";
}

HttpResponse answer_rest(const HttpRequest& request, const InvokeMethod& invoke) {
  const RestRoute* route = find_route(request.path);
  if (route == nullptr) return text_response(404, "404 page not found\n");
  const std::string_view allowed = rest_allows(request.path);
  const bool is_read = request.method == "GET" || request.method == "HEAD";
  if (route->is_query ? !is_read : request.method != "POST") {
    HttpResponse response = text_response(405, "Method Not Allowed\n");
    response.headers.emplace_back("Allow", allowed);
    response.headers.emplace_back("X-Content-Type-Options", "nosniff");
    return response;
  }
  return route->answer(Context{request, invoke});
}

}  // namespace control
