// One multi handle of curl with its connections, used by one thread at a time.
#pragma once

#include <curl/curl.h>

#include "http/client.hpp"

namespace replica::http {

class Transfer;

class Channel {
 public:
  explicit Channel(const ClientOptions& options);
  ~Channel();
  Channel(const Channel&) = delete;
  Channel& operator=(const Channel&) = delete;

  Result<void> run(Feed& feed, std::size_t at_once, const Call& call);

 private:
  Result<void> fill(Feed& feed, std::size_t at_once);
  Result<void> step(Feed& feed, const Call& call);
  Result<bool> collect(Feed& feed);  // true when something has ended
  Result<void> finish(Feed& feed, Transfer& transfer, Result<Response> answer);
  void drop_all() noexcept;

  const ClientOptions options_;
  CURLM* multi_;
  std::vector<std::unique_ptr<Transfer>> idle_, running_;
};

}  // namespace replica::http
