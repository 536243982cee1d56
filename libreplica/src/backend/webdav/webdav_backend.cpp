#include "backend/file_layout.hpp"
#include "backend/ranged_get.hpp"
#include "backend/surroundings.hpp"
#include "backend/transfer.hpp"
#include "backend/webdav/folders.hpp"
#include "base/text.hpp"

namespace replica {
namespace {

using base::concat;
using webdav::parent_of;

constexpr std::chrono::seconds kDiscardPatience{5};

// 207 tells of parts that failed.
bool is_done(const http::Response& answer) { return answer.ok() && answer.status != 207; }

Error move_refused(const http::Response& answer, std::string_view what) {
  Error error = webdav::refused(answer, concat(what, ": MOVE"));
  if (answer.status == 502)
    error.hint = "the server does not know itself by this address; a proxy in front must not change scheme or host";
  if (answer.status == 404) error.code = Errc::unavailable;  // somebody has removed one of the files
  return error;
}

class WebdavBackend final : public Backend {
 public:
  explicit WebdavBackend(const WebdavOptions& options) : prefix_(options.prefix), server_(options), folders_(server_) {}

  std::string_view type() const noexcept override { return "webdav"; }
  // Servers look whether a name is taken before they rename, not while they do; they keep no times.
  Capabilities capabilities() const noexcept override { return {}; }
  bool counts_requests() const noexcept override { return true; }

  Result<ObjectInfo> put(std::string_view key, Source& body, const PutOptions& options, const Call& call) override;
  Result<std::uint64_t> get(std::string_view key, ByteRange range, Sink& out, const Call& call) override;
  Result<ObjectInfo> stat(std::string_view key, const Call& call) override;
  Result<void> list(std::string_view prefix, std::string_view after, const Visitor& visitor,
                    const Call& call) override {
    return webdav::walk(server_, prefix_, prefix, after, visitor, call);
  }
  Result<void> remove(std::string_view key, const Call& call) override;

 private:
  std::string path_of(std::string_view key) const { return prefix_ + std::string(key); }
  Result<void> send(const std::string& temp, Source& body, std::string_view what, const Call& call);
  Result<void> publish(const std::string& temp, std::string_view key, Source& body, const Call& call);
  Result<http::Response> move(const std::string& temp, std::string_view key, bool overwrite, std::string_view what,
                              const Call& call);
  void discard(const std::string& temp, const Call& call);

  const std::string prefix_;
  webdav::Server server_;
  webdav::Folders folders_;
};

// A folder that has gone since is made again, once.
Result<void> WebdavBackend::send(const std::string& temp, Source& body, std::string_view what, const Call& call) {
  for (bool again = true;; again = false) {
    if (auto settled = folders_.settle(parent_of(temp), what, call); !settled) return settled;
    auto answer = server_.send(
        {.method = "PUT", .key = temp, .headers = {{"Content-Type", "application/octet-stream"}}, .body = &body}, what,
        call);
    if (!answer) return pass(answer);
    if (is_done(*answer)) return {};
    const bool folder_missing = answer->status == 409 || answer->status == 404;
    if (!again || !folder_missing) return Failure(webdav::refused(*answer, what));
    folders_.forget();
    if (auto rewound = body.rewind(); !rewound) return pass(rewound, "rewind body");
  }
}

// A new name appears in one step. A name that is taken is replaced by another PUT where that is one step; servers
// remove the old file before they move the new one there, so that readers in between find none.
Result<void> WebdavBackend::publish(const std::string& temp, std::string_view key, Source& body, const Call& call) {
  const std::string what = concat("put ", key);
  auto answer = move(temp, key, false, what, call);
  if (!answer) return pass(answer);
  if (is_done(*answer)) return {};
  const bool taken = answer->status == 412;
  if (!taken && answer->status / 100 != 3) return Failure(move_refused(*answer, what));
  // Overwriting a folder would remove all that is in it; Apache answers with a redirection to one.
  auto there = server_.find(path_of(key), false, what, call);
  if (!there) return pass(there);
  if (!there->empty() && there->front().is_folder)
    return fail(Errc::invalid_argument, concat(what, ": there is a folder of that name"),
                "an object cannot have the name of another object's folder");
  if (!taken) return Failure(move_refused(*answer, what));
  auto aside = server_.puts_aside(parent_of(temp), call);
  if (!aside) return pass(aside, what);
  if (*aside) {
    if (auto rewound = body.rewind(); !rewound) return pass(rewound, "rewind body");
    auto replaced = send(path_of(key), body, what, call);
    if (replaced) discard(temp, call);
    return replaced;
  }
  answer = move(temp, key, true, what, call);
  if (!answer) return pass(answer);
  return is_done(*answer) ? Result<void>() : Failure(move_refused(*answer, what));
}

Result<http::Response> WebdavBackend::move(const std::string& temp, std::string_view key, bool overwrite,
                                           std::string_view what, const Call& call) {
  return server_.send(
      {.method = "MOVE",
       .key = temp,
       .headers = {{"Destination", server_.url_of(path_of(key))}, {"Overwrite", overwrite ? "T" : "F"}}},
      what, call);
}

// The Call may be over, which is no reason to leave it behind.
void WebdavBackend::discard(const std::string& temp, const Call& call) {
  const Call grace = backend::in_any_case(call, kDiscardPatience);
  static_cast<void>(server_.send({.method = "DELETE", .key = temp}, "remove " + temp, grace));
}

Result<ObjectInfo> WebdavBackend::put(std::string_view key, Source& body, const PutOptions& options, const Call& call) {
  if (auto begun = backend::begin("put", key, call); !begun) return pass(begun);
  if (options.if_absent)
    return fail(Errc::unsupported, concat("put ", key, ": WebDAV cannot decide which of several writers was first"));
  const std::string folder = parent_of(path_of(key));
  // Made for paths of directories, which have no slash at the end.
  const std::string temp = backend::unfinished_name(folder.empty() ? "." : folder.substr(0, folder.size() - 1));
  const std::string name = folder + temp.substr(temp.rfind('/') + 1);
  auto stored = send(name, body, concat("put ", key), call);
  if (stored) stored = publish(name, key, body, call);
  if (!stored) {
    discard(name, call);
    return pass(stored);
  }
  return ObjectInfo{
      .key = std::string(key), .size = body.size(), .modified_at = options.modified_at.value_or(SystemClock().now())};
}

Result<std::uint64_t> WebdavBackend::get(std::string_view key, ByteRange range, Sink& out, const Call& call) {
  if (auto begun = backend::begin("get", key, call); !begun) return pass(begun);
  if (backend::RangedGet::needs_no_bytes(range)) return backend::judge_range(*this, key, range, {}, call);
  const std::string what = concat("get ", key);
  backend::RangedGet ranged(range, out, true);
  webdav::Operation operation{.key = path_of(key)};
  ranged.prepare(operation.headers, operation.out, operation.on_head);
  auto answer = server_.send(operation, what, call);
  if (!answer && ranged.has_enough()) return ranged.finish(what);
  const auto is_odd = [](const auto& result) {
    return !result && (result.error().code == Errc::out_of_range || result.error().code == Errc::unsupported);
  };
  if (is_odd(answer) && ranged.is_part())
    return backend::judge_range(*this, key, range, std::move(answer.error()), call);
  if (!answer) return pass(answer);
  if (answer->ok()) {
    auto got = ranged.finish(what);
    return is_odd(got) ? backend::judge_range(*this, key, range, std::move(got.error()), call) : got;
  }
  Error error = webdav::refused(*answer, what);
  if (is_retryable(error) || error.code == Errc::permission_denied) return Failure(std::move(error));
  // Nothing, a folder, or a range beyond the end: what is there decides.
  return backend::judge_range(*this, key, range, std::move(error), call);
}

Result<ObjectInfo> WebdavBackend::stat(std::string_view key, const Call& call) {
  if (auto begun = backend::begin("stat", key, call); !begun) return pass(begun);
  auto found = server_.find(path_of(key), false, concat("stat ", key), call);
  if (!found) return pass(found);
  if (found->empty() || found->front().is_folder) return backend::not_found(key);
  return ObjectInfo{.key = std::string(key), .size = found->front().size, .modified_at = found->front().modified_at};
}

// Removing a folder would remove all that is in it.
Result<void> WebdavBackend::remove(std::string_view key, const Call& call) {
  if (auto begun = backend::begin("remove", key, call); !begun) return begun;
  const std::string what = concat("remove ", key);
  auto there = stat(key, call);
  if (!there && there.error().code == Errc::not_found) return {};
  if (!there) return pass(there);
  auto answer = server_.send({.method = "DELETE", .key = path_of(key)}, what, call);
  if (!answer) return pass(answer);
  if (is_done(*answer) || answer->status == 404 || answer->status == 410) return {};
  return Failure(webdav::refused(*answer, what));
}

}  // namespace

std::unique_ptr<Backend> make_webdav_backend(const WebdavOptions& options) {
  return std::make_unique<WebdavBackend>(options);
}

}  // namespace replica
