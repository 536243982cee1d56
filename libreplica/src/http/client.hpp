// HTTP over libcurl, blocking, for any number of threads and databases. Connections stay open between requests and are
// taken again; HTTP/2 where a server offers it over TLS. Redirects are not followed, nothing is tried again (but what
// curl repeats on a kept connection that turns out dead before a byte came), no thread is started.
#pragma once

#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <vector>

#include "http/message.hpp"
#include "replica/clock.hpp"

namespace replica::http {

struct ClientOptions {
  std::size_t channels = 32;  // threads that may be sending at once; further ones wait
  std::chrono::milliseconds connect_timeout{10'000};
  std::chrono::milliseconds progress_timeout{30'000};  // a connection on which no byte moves for so long is given up
  std::string ca_bundle{};                             // file of trusted certificates; empty = see below
  bool skip_verify = false;                            // takes any server certificate

  friend bool operator==(const ClientOptions&, const ClientOptions&) = default;
};

// Exchanges that run beside each other on one channel.
class Feed {
 public:
  virtual ~Feed() = default;
  // The next request, which stays alive until done() was called for it; nullptr when there is none now. Asked again
  // after each done().
  virtual Result<const Request*> next() = 0;
  // An error ends the others too.
  virtual Result<void> done(const Request& request, Result<Response> answer) = 0;
};

class Channel;

// Proxies are those of the environment (http_proxy, https_proxy, all_proxy, no_proxy and in upper case). Without
// ca_bundle AWS_CA_BUNDLE, CURL_CA_BUNDLE or SSL_CERT_FILE name it, else it is the system's.
//
// Errors: `cancelled` and `timed_out` of the Call; `timed_out` for a silent server; `unavailable` for what a network or
// a server does; permission_denied for a certificate that is not trusted; those of the source, the sink and on_head as
// they are. An answer of any status is a success. Messages show neither headers nor queries.
class Client {
 public:
  explicit Client(ClientOptions options);
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  Result<Response> send(const Request& request, const Call& call);
  // At most `at_once` at the same time, until the feed has no more.
  Result<void> send_all(Feed& feed, std::size_t at_once, const Call& call);

 private:
  class Lease;
  Result<std::unique_ptr<Channel>> take(const Call& call);
  void give_back(std::unique_ptr<Channel> channel);

  const ClientOptions options_;
  std::mutex mutex_;
  std::condition_variable_any returned_;
  std::vector<std::unique_ptr<Channel>> idle_;  // guarded by mutex_, the last used at the end
  std::size_t taken_ = 0;                       // guarded by mutex_
};

// The one of this process with these options: databases share connections.
std::shared_ptr<Client> shared_client(const ClientOptions& options);

}  // namespace replica::http
