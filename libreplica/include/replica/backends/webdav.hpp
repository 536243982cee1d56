// A folder on a WebDAV server as a store. What is particular about it: docs/backends/webdav.md.
#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "replica/backend.hpp"

namespace replica {

struct WebdavOptions {
  std::string url;                 // "https://HOST[:PORT][/PATH]", as it stands in requests: a folder that is there
  std::string prefix{};            // "a/b/": folders below it, made when they are missing; in front of every key
  std::string user{}, password{};  // for basic or digest authentication, whichever the server asks for
  bool skip_verify = false;        // takes any server certificate
  std::string ca_bundle{};         // empty: AWS_CA_BUNDLE and others, else the system's

  std::chrono::milliseconds connect_timeout{10'000}, progress_timeout{30'000};
};

// Objects are sent under a temporary name and moved.
std::unique_ptr<Backend> make_webdav_backend(const WebdavOptions& options);

}  // namespace replica
