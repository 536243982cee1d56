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

Result<boost::json::value> guarded_invoke(Service& service, const jsonrpc::Request& request, const Arrival& arrival) {
  const Method* method = find_method(request.method);
  if (method == nullptr) return fail(unknown_method(request.method));
  try {
    return invoke(*method, service, request.params, arrival);
  } catch (const std::exception& e) {
    return fail(internal_error(e.what()));
  } catch (...) {
    return fail(internal_error("unknown exception"));
  }
}

}  // namespace

Dispatcher::Dispatcher(Service& service) : service_(service), memory_(std::make_unique<RequestMemory>()) {}
Dispatcher::~Dispatcher() = default;

std::optional<std::string> Dispatcher::answer(const jsonrpc::Request& request, const Arrival& arrival) const {
  Result<boost::json::value> result = guarded_invoke(service_, request, arrival);
  if (!request.id) return std::nullopt;
  return result ? jsonrpc::print_result(*request.id, *result) : jsonrpc::print_error(*request.id, result.error());
}

std::optional<std::string> Dispatcher::run(const jsonrpc::Incoming& incoming, const Arrival& arrival) const {
  Arrival turn = arrival;
  turn.memory = memory_.get();
  std::string replies;
  for (const auto& call : incoming.calls) {
    std::optional<std::string> reply =
        call ? answer(*call, turn) : jsonrpc::print_error(call.error().id, call.error().error);
    turn.at = Arrival().at;
    turn.on_the_clock = Arrival().on_the_clock;
    if (!reply) continue;
    if (!replies.empty()) replies += ',';
    replies += *reply;
  }
  if (replies.empty()) return std::nullopt;
  return incoming.batch ? "[" + replies + "]" : replies;
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
