// Text of a JSON-RPC request or batch in, text of the reply out. Safe from several threads at once, as the Service is.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "control/jsonrpc.hpp"
#include "control/methods.hpp"
#include "control/observer.hpp"

namespace control {

class Dispatcher {
 public:
  // `service` must outlive the Dispatcher. `observer` hears of every call that was well-formed, refused ones included.
  explicit Dispatcher(Service& service, CallObserver observer = {});
  ~Dispatcher();

  // No value when nothing is to be answered: only notifications came. The calls of a batch are made one after another,
  // each with a deadline that counts from its own turn. Never throws: what a Service throws becomes -32603.
  std::optional<std::string> handle(std::string_view text, const Arrival& arrival = {}) const;

  // The second half of handle, for who parses elsewhere.
  std::optional<std::string> run(const jsonrpc::Incoming& incoming, const Arrival& arrival) const;

  // One call, with everything that belongs to it: role and databases of the caller, the Service, the observer.
  Result<boost::json::value> call(const jsonrpc::Request& request, const Arrival& arrival) const;
  // The reply that answers every call of it with `error`.
  static std::optional<std::string> refuse(const jsonrpc::Incoming& incoming, const Error& error);

 private:
  std::optional<std::string> answer(const jsonrpc::Request& request, const Arrival& arrival) const;

  Service& service_;
  CallObserver observer_;
  std::unique_ptr<RequestMemory> memory_;
};

// Why the caller may not make this call; no value when it may, or when there is no such method.
std::optional<Error> refusal(const jsonrpc::Request& request, const Arrival& arrival);

// The slowest of the calls; brief only when there is one call and it has a reply.
Pace pace_of(const jsonrpc::Incoming& incoming);

}  // namespace control
