// One bucket as S3 and stores of its shape have it: requests addressed and signed, answers judged.
#pragma once

#include "backend/s3/sigv4.hpp"
#include "http/client.hpp"
#include "replica/backend.hpp"

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

// What it counts as, where that is not what its method says.
std::optional<RequestClass> class_of(const Operation& operation);

// Safe from any thread.
class Service {
 public:
  virtual ~Service() = default;
  // Any status that is not 2xx is an error; `what` says in it what was being done.
  virtual Result<http::Response> send(const Operation& operation, std::string_view what, const Call& call) = 0;
  // For those who send several at once through client().
  virtual Result<http::Request> prepare(const Operation& operation, const Call& call) = 0;
  virtual http::Client& client() noexcept = 0;
  // Whether the body of a request need not be hashed.
  virtual bool unsigned_payload() const noexcept = 0;
  // For an answer that is none of 2xx, or one whose body is an error all the same.
  virtual Error error_of(const http::Response& answer, std::string_view what) const = 0;
};

}  // namespace replica::s3
