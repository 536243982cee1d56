// One container: requests addressed and authorised, answers judged.
#pragma once

#include "backend/azure/endpoint.hpp"
#include "backend/azure/shared_key.hpp"
#include "backend/azure/tokens.hpp"

namespace replica::azure {

struct Operation {
  std::string method = "GET";
  std::string key{};  // of the store; empty = the container itself
  Query query{};
  std::vector<http::Header> headers{};
  Source* body = nullptr;
  Sink* out = nullptr;
  std::function<Result<void>(const http::Response&)> on_head{};
  std::size_t body_limit = std::size_t{1} << 20U;
  std::string_view version = "2021-12-02";  // of the protocol
  std::optional<RequestClass> kind{};       // for the count; without it the method says
};

// Safe from any thread.
class Container {
 public:
  explicit Container(const AzureOptions& options);

  // Any status that is not 2xx is an error; `what` says in it what was being done. A token that was refused is replaced
  // once.
  Result<http::Response> send(const Operation& operation, std::string_view what, const Call& call);

  // For an answer that is none of 2xx.
  Error error_of(const http::Response& answer, std::string_view what) const;

  // For those who send several at once through client().
  Result<http::Request> prepare(const Operation& operation, const Call& call);
  http::Client& client() noexcept { return *http_; }

 private:
  struct Ready {
    http::Request request;
    std::string token;  // that it carries, if any
  };
  Result<Ready> authorise(const Operation& operation, const Call& call);
  Result<std::string> signed_by_key(const Operation& operation, const std::string& path,
                                    const std::vector<http::Header>& headers) const;
  Result<std::string> token_for(const Call& call);

  const AzureOptions options_;
  const Clock& clock_;
  const Result<backend::Endpoint> endpoint_;
  std::vector<std::byte> key_;
  std::shared_ptr<http::Client> http_;
  TokenCache tokens_;
};

}  // namespace replica::azure
