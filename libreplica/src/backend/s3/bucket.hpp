// A bucket of S3.
#pragma once

#include "backend/s3/address.hpp"
#include "backend/s3/credentials.hpp"
#include "backend/s3/service.hpp"

namespace replica::s3 {

// Safe from any thread.
class Bucket final : public Service {
 public:
  explicit Bucket(const S3Options& options);

  // A region that the store names instead of the guessed one, and credentials that have changed since, are tried at
  // once.
  Result<http::Response> send(const Operation& operation, std::string_view what, const Call& call) override;
  Result<http::Request> prepare(const Operation& operation, const Call& call) override;
  http::Client& client() noexcept override { return *http_; }
  bool unsigned_payload() const noexcept override { return unsigned_payload_; }
  Error error_of(const http::Response& answer, std::string_view what) const override;

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
