// One folder of a WebDAV server: requests addressed and authenticated, answers judged.
#pragma once

#include "backend/webdav/auth.hpp"
#include "backend/webdav/multistatus.hpp"
#include "http/client.hpp"
#include "replica/backends/webdav.hpp"

namespace replica::webdav {

struct Operation {
  std::string method = "GET";
  std::string key{};  // of the server, that is below the folder of the options; of a folder it ends in '/' or is empty
  std::vector<http::Header> headers{};
  Source* body = nullptr;
  Sink* out = nullptr;
  std::function<Result<void>(const http::Response&)> on_head{};
  std::size_t body_limit = std::size_t{64} << 10U;
  std::optional<RequestClass> kind{};  // for the count; without it the method says
};

// The folder that an object or a folder lies in, with its '/'; "" lies in itself.
std::string parent_of(std::string_view key);

// Safe from any thread.
class Server {
 public:
  explicit Server(const WebdavOptions& options);

  std::string url_of(std::string_view key) const;
  // The answer, whatever its status, but 401, which is permission_denied. Sent again when the server wants to know who
  // we are, with the body from its beginning.
  Result<http::Response> send(const Operation& operation, std::string_view what, const Call& call);

  // What is at `key`, and with `children` what is in it; empty when there is nothing. The first is the thing itself.
  Result<std::vector<Resource>> find(std::string_view key, bool children, std::string_view what, const Call& call);
  // Whether the server is known to replace a file by PUT in one step: Apache writes uploads aside and renames them.
  Result<bool> puts_aside(const std::string& folder, const Call& call);
  // After an answer that there is nothing at `key`: success when that comes from a WebDAV server, which has a folder
  // somewhere above it. Anything else could say so of anything.
  Result<void> confirm_missing(std::string_view key, std::string_view what, const Call& call);

 private:
  Result<http::Response> send_once(const Operation& operation, const std::optional<std::string>& authorization,
                                   const Call& call);
  Result<std::vector<Resource>> read(const http::Response& answer, std::string_view key, std::string_view what) const;

  const std::string base_, path_;  // the URL and its path, both without a slash at the end
  std::shared_ptr<http::Client> http_;
  Authenticator authenticator_;
};

// The error of an answer that was not expected.
Error refused(const http::Response& answer, std::string_view what);

}  // namespace replica::webdav
