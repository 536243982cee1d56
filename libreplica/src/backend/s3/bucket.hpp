// One bucket: requests addressed and signed, answers judged.
#pragma once

#include "backend/s3/address.hpp"
#include "backend/s3/credentials.hpp"

namespace replica::s3 {

struct Operation {
  std::string method = "GET";
  std::string key{};  // of the store; empty = the bucket itself
  Query query{};
  std::vector<http::Header> headers{};
  Source* body = nullptr;
  std::string payload_hash{kEmptyPayload};
  Sink* out = nullptr;
  std::function<Result<void>(const http::Response&)> on_head{};
  std::size_t body_limit = std::size_t{1} << 20U;
};

// Safe from any thread.
class Bucket {
 public:
  explicit Bucket(const S3Options& options);

  // Any status that is not 2xx is an error; `what` says in it what was being done. A region that the store names
  // instead of the guessed one, and credentials that have changed since, are tried at once.
  Result<http::Response> send(const Operation& operation, std::string_view what, const Call& call);

  // For those who send several at once through client().
  Result<http::Request> prepare(const Operation& operation, const Call& call);
  http::Client& client() noexcept { return *http_; }

  // Whether the body of a request need not be hashed.
  bool unsigned_payload() const noexcept { return unsigned_payload_; }

 private:
  struct Signed {
    http::Request request;
    Credentials credentials;
    std::string region;
  };
  Result<Signed> sign_request(const Operation& operation, const Call& call);
  bool may_send_again(const Signed& sent, const http::Response& answer, const Call& call);
  std::string region();

  const S3Options options_;
  const Clock& clock_;
  std::shared_ptr<http::Client> http_;
  std::mutex mutex_;
  std::string region_;  // guarded by mutex_
  bool region_is_given_;
  bool unsigned_payload_;
  CredentialCache credentials_;
};

}  // namespace replica::s3
