// One multi handle of curl with its connections, used by one thread at a time.
#pragma once

#include <curl/curl.h>

#include "http/transfer.hpp"

namespace replica::http {

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
  void count(const Transfer& transfer, Transfer::End how) const noexcept;
  void drop_all() noexcept;

  const ClientOptions options_;
  CURLM* multi_;
  const Call* call_ = nullptr;  // of the run that is under way
  std::vector<std::unique_ptr<Transfer>> idle_, running_;
};

}  // namespace replica::http
