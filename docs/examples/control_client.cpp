// Steers a daemon by the client library: control_client SOCKET DATABASE
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <control/client.hpp>
#include <iostream>

namespace {

int failed(const control::Error& error) {
  std::cerr << "Error: " << error.message << " (" << error.reason << ")\n";
  if (!error.hint.empty()) std::cerr << "Hint: " << error.hint << "\n";
  return error.retryable ? 75 : 1;  // 75: EX_TEMPFAIL, try again later
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  auto client = control::Client::connect(argv[1]);  // a path, or http://HOST:PORT
  if (!client) return failed(client.error());

  const boost::json::object database{{"path", argv[2]}};
  const auto status = client->call("status", database);
  if (!status) return failed(status.error());
  if (status->at("status") == "closed") {
    boost::json::object params = database;
    params["wait"] = true;
    if (const auto started = client->call("start", params); !started) return failed(started.error());
  }

  // One connection serves any number of calls; the timeout is what the daemon may take, the client waits a bit longer.
  constexpr std::chrono::seconds kPatience{60};
  boost::json::object params = database;
  params["wait"] = true;
  params["timeout"] = kPatience.count();
  const auto synced = client->call("sync", params, kPatience);
  if (!synced) return failed(synced.error());
  std::cout << "durable up to transaction " << synced->at("replicated_txid") << "\n";
}
