// One bucket: requests addressed and authorized, answers judged.
#pragma once

#include "backend/gcs/tokens.hpp"
#include "replica/backends/gcs.hpp"

namespace replica::gcs {

struct Operation {
  std::string method = "GET";
  std::string url{};
  std::vector<http::Header> headers{};
  Source* body = nullptr;
  Sink* out = nullptr;
  std::function<Result<void>(const http::Response&)> on_head{};
  std::size_t body_limit = std::size_t{1} << 20U;
  bool may_be_unfinished = false;      // 308 is no error
  std::optional<RequestClass> kind{};  // for the count; without it the method says
  bool repeats = false;                // one before it has failed
};

// Safe from any thread.
class Bucket {
 public:
  explicit Bucket(const GcsOptions& options);

  // Queries begin with "?" or are empty.
  std::string object_url(std::string_view key, std::string_view query = {}) const;
  std::string objects_url(std::string_view query) const;
  std::string upload_url(std::string_view query) const;

  // Any status that is not 2xx is an error; `what` says in it what was being done. A token that is refused is replaced
  // once, and one of a key file that is another by now.
  Result<http::Response> send(const Operation& operation, std::string_view what, const Call& call);

  // For what is not found although it need not be an object: then it is the bucket.
  static Error no_bucket(Error error);
  // The error of a request about an object that was answered with not_found: not_found when the bucket is there,
  // invalid_argument when it is not, or whatever else is wrong with it.
  Error missing(std::string_view key, std::string_view what, const Call& call);

 private:
  Result<http::Response> send_once(const Operation& operation, const std::string& token, const Call& call);

  const GcsOptions options_;
  const std::string name_;  // of the bucket, encoded
  std::shared_ptr<http::Client> http_;
  TokenCache tokens_;
};

}  // namespace replica::gcs
