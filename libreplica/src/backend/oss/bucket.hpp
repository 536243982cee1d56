// A bucket of OSS: requests addressed and signed, answers judged.
#pragma once

#include "backend/endpoint.hpp"
#include "backend/oss/credentials.hpp"
#include "backend/oss/signature.hpp"
#include "backend/s3/service.hpp"
#include "backend/surroundings.hpp"
#include "replica/backends/oss.hpp"

namespace replica::oss {

// Where the bucket is: it stands in the host, or in the path when the host is an address or this machine.
struct Place {
  backend::Endpoint endpoint;
  std::string region;
};
Result<Place> place_of(const OssOptions& options);

class Bucket final : public s3::Service {
 public:
  explicit Bucket(const OssOptions& options);

  // Credentials that have changed since they were refused are tried at once.
  Result<http::Response> send(const s3::Operation& operation, std::string_view what, const Call& call) override;
  Result<http::Request> prepare(const s3::Operation& operation, const Call& call) override;
  http::Client& client() noexcept override { return *http_; }
  bool unsigned_payload() const noexcept override { return true; }
  Error error_of(const http::Response& answer, std::string_view what) const override;

 private:
  Result<http::Request> sign(const s3::Operation& operation, const Credentials& credentials) const;
  const OssOptions options_;
  const Clock& clock_;
  const Result<Place> place_;
  std::shared_ptr<http::Client> http_;
  s3::CredentialCache credentials_;
};

}  // namespace replica::oss
