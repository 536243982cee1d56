// One connection to a control server. For one thread at a time; blocking.
#pragma once

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <string_view>

#include "control/api.hpp"

namespace control {

// How much longer the client waits than the server was asked to work, so that the server's error is what is seen.
inline constexpr std::chrono::milliseconds kClientGrace{2'000};

struct ClientOptions {
  std::chrono::milliseconds connect_timeout{5'000};
  std::string token{};      // sent as bearer token, over HTTP only
  std::string ca_file{};    // whom to trust for https; empty = the system's
  std::string cert_file{};  // to show when the server asks for it; PEM, as the others
  std::string key_file{};
};

class Client {
 public:
  // `target`: path of a Unix socket, or "http://host:port" (its path, if any, replaces "/control/"). Errors have
  // code::kTransport: "failed to connect to control socket: dial unix PATH: connect: no such file or directory".
  static Result<Client> connect(const std::string& target,
                                std::chrono::milliseconds timeout = std::chrono::milliseconds(5'000));
  // The same, also for "https://host:port".
  static Result<Client> connect(const std::string& target, const ClientOptions& options);

  Client(Client&&) noexcept;
  Client& operator=(Client&&) noexcept;
  ~Client();

  // The result, or the server's error. `params`: object, or null for none. `timeout` is what the call asks of the
  // server (put the same into params where the method takes it); the client waits kClientGrace longer. After an error
  // with code::kTransport the connection is of no more use.
  Result<boost::json::value> call(std::string_view method, const boost::json::value& params = nullptr,
                                  std::chrono::milliseconds timeout = kDefaultTimeout);

  struct Watcher {
    std::function<bool(const boost::json::object& event)> event;  // false: enough
    std::function<void(const boost::json::object& subscription)> subscribed{};
  };
  // Follows events, by the parameters of `watch`; a value when the Watcher has enough or the stop is requested, else
  // why it ended: the server's reason ("too_slow", "shutting_down", "events_gone"…) or code::kTransport. The connection
  // is of no more use afterwards.
  Result<void> watch(const boost::json::object& params, const Watcher& watcher, const std::stop_token& stop = {});

 private:
  struct Impl;
  explicit Client(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace control
