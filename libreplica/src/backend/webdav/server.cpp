#include "backend/webdav/server.hpp"

#include <algorithm>

#include "backend/web_client.hpp"
#include "base/text.hpp"
#include "http/status.hpp"

namespace replica::webdav {

using base::concat;

namespace {

constexpr int kMostSends = 3;                                  // the first, one with a name, one with a fresh nonce
constexpr std::size_t kListingLimit = std::size_t{64} << 20U;  // about 100,000 files in one folder
constexpr const char* kNoDav = "is the address that of a WebDAV folder?";

std::string without_slashes(std::string text) {
  while (text.ends_with('/')) text.pop_back();
  return text;
}

// "/path?query", as it stands in a request.
std::string_view uri_of(std::string_view url) {
  const std::size_t path = url.find('/', url.find("://") + 3);
  return path == std::string_view::npos ? std::string_view("/") : url.substr(path);
}

}  // namespace

std::string parent_of(std::string_view key) {
  if (key.ends_with('/')) key.remove_suffix(1);
  return std::string(key.substr(0, key.rfind('/') + 1));
}

Error refused(const http::Response& answer, std::string_view what) {
  Error error = http::error_of(answer, what);
  switch (answer.status) {
    case 423:
      error.code = Errc::busy;  // somebody holds a lock
      break;
    case 403:
      error.hint = "the user must be allowed to read, write and list there";
      break;
    case 404:
    case 405:
    case 501:
      error.code = Errc::invalid_argument;
      error.hint = kNoDav;
      break;
    case 409:
      error.code = Errc::unavailable;  // a folder has gone in the meantime
      break;
    default:
      if (answer.status < 400) error.code = answer.ok() ? Errc::unavailable : Errc::invalid_argument;
      if (answer.status < 400) error.hint = kNoDav;
  }
  return error;
}

Server::Server(const WebdavOptions& options)
    : base_(without_slashes(options.url)),
      path_(path_of_href(base_)),
      http_(backend::client_for(options)),
      authenticator_(options.user, options.password) {}

std::string Server::url_of(std::string_view key) const { return concat(base_, "/", http::percent_encode(key, true)); }

Result<http::Response> Server::send_once(const Operation& operation, const std::optional<std::string>& authorization,
                                         const Call& call) {
  http::Request request{.method = operation.method,
                        .url = url_of(operation.key),
                        .headers = operation.headers,
                        .body = operation.body,
                        .out = operation.out,
                        .on_head = operation.on_head,
                        .body_limit = operation.body_limit,
                        .kind = operation.kind};
  if (authorization) request.headers.push_back({.name = "Authorization", .value = *authorization});
  return http_->send(request, call);
}

Result<http::Response> Server::send(const Operation& operation, std::string_view what, const Call& call) {
  for (int sends = 1;; ++sends) {
    const std::string url = url_of(operation.key);
    const auto authorization = authenticator_.header(operation.method, uri_of(url));
    auto answer = send_once(operation, authorization, call);
    if (!answer) return pass(answer, what);
    if (answer->status != 401) return answer;
    if (!authenticator_.learn(*answer, authorization) || sends == kMostSends) {
      Error error = http::error_of(*answer, what);
      error.hint = authenticator_.has_user() ? "check webdav-username and webdav-password"
                                             : "set webdav-username and webdav-password";
      return Failure(std::move(error));
    }
    if (operation.body == nullptr) continue;
    if (auto rewound = operation.body->rewind(); !rewound) return pass(rewound, "rewind body");
  }
}

// Who stands between us and the server may show its paths under others: the thing itself is the one we asked for, else
// the one that all others lie in.
Result<std::vector<Resource>> Server::read(const http::Response& answer, std::string_view key,
                                           std::string_view what) const {
  auto found = parse_multistatus(answer.body);
  if (!found) return pass(found, what);
  const std::string asked = without_slashes(concat(path_, "/", key));
  auto self = std::find_if(found->begin(), found->end(), [&](const Resource& r) { return r.path == asked; });
  if (self == found->end()) {
    self = std::min_element(found->begin(), found->end(),
                            [](const Resource& a, const Resource& b) { return a.path.size() < b.path.size(); });
  }
  if (self == found->end()) return fail(Errc::unavailable, concat(what, ": the answer tells of nothing"), kNoDav);
  std::iter_swap(found->begin(), self);
  const std::string inside = found->front().path + "/";
  if (std::any_of(found->begin() + 1, found->end(), [&](const Resource& r) { return !r.path.starts_with(inside); }))
    return fail(Errc::unavailable, concat(what, ": the answer tells of other folders"), kNoDav);
  return found;
}

Result<std::vector<Resource>> Server::find(std::string_view key, bool children, std::string_view what,
                                           const Call& call) {
  MemorySource body(std::as_bytes(std::span(kPropfindBody)));
  auto answer = send({.method = "PROPFIND",
                      .key = std::string(key),
                      .headers = {{"Depth", children ? "1" : "0"}, {"Content-Type", "application/xml; charset=utf-8"}},
                      .body = &body,
                      .body_limit = kListingLimit,
                      .kind = children ? RequestClass::list : RequestClass::stat},
                     what, call);
  if (!answer) return pass(answer);
  if (answer->status == 207) return read(*answer, key, what);
  // Of a folder, asked for without its slash.
  const bool moved = answer->status == 301 || answer->status == 308;
  if (moved && !key.ends_with('/') && path_of_href(answer->header("location")) == path_of_href(url_of(key)))
    return std::vector<Resource>{{.path = path_of_href(url_of(key)), .is_folder = true}};
  if (answer->status == 400 && key.ends_with('/')) {
    // So says Apache of what would lie in a file.
    auto file = find(key.substr(0, key.size() - 1), false, what, call);
    if (!file || (!file->empty() && !file->front().is_folder)) return file;
  }
  if (answer->status != 404 && answer->status != 410) return Failure(refused(*answer, what));
  if (auto confirmed = confirm_missing(key, what, call); !confirmed) return pass(confirmed);
  return std::vector<Resource>();
}

Result<bool> Server::puts_aside(const std::string& folder, const Call& call) {
  auto answer = send({.method = "OPTIONS", .key = folder}, "ask for the options of " + folder, call);
  if (!answer) return pass(answer);
  return std::any_of(answer->headers.begin(), answer->headers.end(), [](const http::Header& header) {
    return header.name == "dav" && header.value.find("http://apache.org/dav/propset/fs/1") != std::string::npos;
  });
}

Result<void> Server::confirm_missing(std::string_view key, std::string_view what, const Call& call) {
  MemorySource body(std::as_bytes(std::span(kPropfindBody)));
  Operation operation{.method = "PROPFIND",
                      .headers = {{"Depth", "0"}, {"Content-Type", "application/xml; charset=utf-8"}},
                      .body = &body,
                      .kind = RequestClass::stat};
  for (std::string folder(key); !folder.empty();) {
    folder = parent_of(folder);
    operation.key = folder;
    if (auto rewound = body.rewind(); !rewound) return rewound;
    auto answer = send(operation, what, call);
    if (!answer) return pass(answer);
    if (answer->status == 207) {
      auto found = read(*answer, folder, what);
      return found ? Result<void>() : pass(found);
    }
    if (answer->status != 404 || folder.empty()) return Failure(refused(*answer, what));
  }
  return fail(Errc::invalid_argument, concat(what, ": there is no folder at the address (HTTP 404)"), kNoDav);
}

}  // namespace replica::webdav
