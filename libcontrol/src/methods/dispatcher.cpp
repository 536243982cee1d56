#include "control/dispatcher.hpp"

#include <algorithm>
#include <exception>

#include "methods/request_memory.hpp"

namespace control {
namespace {

Error unknown_method(const std::string& name) {
  Error error{.code = code::kMethodNotFound, .message = "Method not found", .reason = "method_not_found"};
  error.hint = "no method " + name + "; there are";
  for (const Method& method : methods()) error.hint += " " + std::string(method.name);
  return error;
}

Error internal_error(std::string what) {
  return {
      .code = code::kInternalError, .message = "Internal error", .reason = "internal_error", .hint = std::move(what)};
}

Result<boost::json::value> guarded_invoke(Service& service, const Method& method, const jsonrpc::Request& request,
                                          const Arrival& arrival) {
  try {
    return invoke(method, service, request.params, arrival);
  } catch (const std::exception& e) {
    return fail(internal_error(e.what()));
  } catch (...) {
    return fail(internal_error("unknown exception"));
  }
}

// The parameter `path`; a value of another type is left to the check of the parameters.
std::optional<std::string_view> path_of(const boost::json::value& params) {
  const boost::json::object* object = params.if_object();
  const boost::json::value* path = object != nullptr ? object->if_contains("path") : nullptr;
  if (path == nullptr || !path->is_string()) return std::nullopt;
  return std::string_view(path->get_string().data(), path->get_string().size());
}

std::optional<Error> refusal(const Method& method, const jsonrpc::Request& request, const Principal& caller) {
  if (std::optional<Error> error = authorise(caller, method, path_of(request.params))) return error;
  const boost::json::object* object = request.params.if_object();
  if (caller.role == Role::admin && caller.sees_all()) return std::nullopt;
  for (const std::string_view name : method.admin_params) {
    const boost::json::value* given = object != nullptr ? object->if_contains(name) : nullptr;
    if (given == nullptr || given->is_null()) continue;
    return forbidden("parameter " + std::string(name) + " of " + std::string(method.name),
                     "needs the role admin and all databases");
  }
  return std::nullopt;
}

// Leaves to the caller what it may use.
void keep_own(boost::json::value& result, const Principal& caller) {
  boost::json::array kept;
  for (boost::json::value& entry : result.as_array()) {
    const std::optional<std::string_view> path = path_of(entry);
    if (path && caller.may_use(*path)) kept.push_back(std::move(entry));
  }
  result = std::move(kept);
}

Result<boost::json::value> perform(Service& service, const Method* method, const jsonrpc::Request& request,
                                   const Arrival& arrival) {
  if (method == nullptr) return fail(unknown_method(request.method));
  const Principal* caller = arrival.caller.get();
  if (caller != nullptr) {
    if (std::optional<Error> error = refusal(*method, request, *caller)) return fail(std::move(*error));
  }
  Result<boost::json::value> result = guarded_invoke(service, *method, request, arrival);
  if (result && caller != nullptr && !caller->sees_all() && method->lists_databases()) keep_own(*result, *caller);
  return result;
}

}  // namespace

Dispatcher::Dispatcher(Service& service, CallObserver observer)
    : service_(service), observer_(std::move(observer)), memory_(std::make_unique<RequestMemory>()) {}
Dispatcher::~Dispatcher() = default;

std::optional<Error> refusal(const jsonrpc::Request& request, const Arrival& arrival) {
  const Method* method = find_method(request.method);
  if (method == nullptr || arrival.caller == nullptr) return std::nullopt;
  return refusal(*method, request, *arrival.caller);
}

Result<boost::json::value> Dispatcher::call(const jsonrpc::Request& request, const Arrival& arrival) const {
  const auto began = std::chrono::steady_clock::now();
  const Method* method = find_method(request.method);
  Arrival remembering = arrival;
  remembering.memory = memory_.get();
  Result<boost::json::value> result = perform(service_, method, request, remembering);
  if (observer_) {
    observer_({.caller = arrival.caller.get(),
               .transport = arrival.transport,
               .method = request.method,
               .known = method,
               .params = &request.params,
               .id = request.id ? std::string_view(*request.id) : std::string_view(),
               .error = result ? nullptr : &result.error(),
               .duration = std::chrono::steady_clock::now() - began});
  }
  return result;
}

std::optional<std::string> Dispatcher::answer(const jsonrpc::Request& request, const Arrival& arrival) const {
  Result<boost::json::value> result = call(request, arrival);
  if (!request.id) return std::nullopt;
  return result ? jsonrpc::print_result(*request.id, *result) : jsonrpc::print_error(*request.id, result.error());
}

namespace {

void append(std::string& replies, const std::optional<std::string>& reply) {
  if (!reply) return;
  if (!replies.empty()) replies += ',';
  replies += *reply;
}

std::optional<std::string> finish(const std::string& replies, bool batch) {
  if (replies.empty()) return std::nullopt;
  return batch ? "[" + replies + "]" : replies;
}

}  // namespace

std::optional<std::string> Dispatcher::refuse(const jsonrpc::Incoming& incoming, const Error& error) {
  std::string replies;
  for (const auto& call : incoming.calls) {
    if (!call) append(replies, jsonrpc::print_error(call.error().id, call.error().error));
    if (call && call->id) append(replies, jsonrpc::print_error(*call->id, error));
  }
  return finish(replies, incoming.batch);
}

std::optional<std::string> Dispatcher::run(const jsonrpc::Incoming& incoming, const Arrival& arrival) const {
  Arrival turn = arrival;
  std::string replies;
  for (const auto& call : incoming.calls) {
    std::optional<std::string> reply =
        call ? answer(*call, turn) : jsonrpc::print_error(call.error().id, call.error().error);
    turn.at = Arrival().at;
    turn.on_the_clock = Arrival().on_the_clock;
    append(replies, reply);
  }
  return finish(replies, incoming.batch);
}

std::optional<std::string> Dispatcher::handle(std::string_view text, const Arrival& arrival) const {
  return run(jsonrpc::parse(text), arrival);
}

Pace pace_of(const jsonrpc::Incoming& incoming) {
  Pace slowest = incoming.batch ? Pace::ordinary : Pace::brief;
  for (const auto& call : incoming.calls) {
    if (!call) continue;
    const Method* method = find_method(call->method);
    const Pace own = method != nullptr ? method->pace : Pace::brief;
    slowest = std::max({slowest, own, call->id ? Pace::brief : Pace::ordinary});
  }
  return slowest;
}

}  // namespace control
