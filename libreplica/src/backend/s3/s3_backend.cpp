#include "backend/ranged_get.hpp"
#include "backend/s3/conditional.hpp"
#include "backend/s3/errors.hpp"
#include "backend/s3/multipart.hpp"
#include "backend/s3/payload.hpp"
#include "backend/transfer.hpp"
#include "base/text.hpp"

namespace replica {
namespace {

using base::concat;
using s3::Operation;

constexpr std::uint64_t kLeastPart = std::uint64_t{5} << 20U;  // S3 takes no smaller one but the last
constexpr std::size_t kListingLimit = std::size_t{16} << 20U;  // 1000 keys of 1024 encoded bytes, and room

class S3Backend final : public Backend {
 public:
  explicit S3Backend(const S3Options& options)
      : prefix_(options.prefix),
        content_md5_(options.content_md5),
        part_size_(std::max(options.part_size, kLeastPart)),
        concurrency_(static_cast<std::size_t>(std::max(options.concurrency, 1))),
        clock_(options.clock),
        headers_(options),
        bucket_(options),
        conditional_(bucket_) {}

  std::string_view type() const noexcept override { return "s3"; }
  Capabilities capabilities() const noexcept override {
    return {.conditional_put = conditional_.may_be_supported(), .keeps_modified_at = false};
  }

  Result<ObjectInfo> put(std::string_view key, Source& body, const PutOptions& options, const Call& call) override;
  Result<std::uint64_t> get(std::string_view key, ByteRange range, Sink& out, const Call& call) override;
  Result<ObjectInfo> stat(std::string_view key, const Call& call) override;
  Result<void> list(std::string_view prefix, std::string_view after, const Visitor& visitor, const Call& call) override;
  Result<void> remove(std::string_view key, const Call& call) override;

 private:
  Operation about(std::string_view method, std::string_view key) const {
    return {.method = std::string(method), .key = prefix_ + std::string(key)};
  }
  Result<void> put_whole(std::string_view key, Source& body, const PutOptions& options, const Call& call);
  Result<std::uint64_t> get_range(std::string_view key, ByteRange range, Sink& out, const Call& call);
  Result<bool> visit(const s3::ListingPage& page, std::string_view prefix, std::string_view start, std::string& last,
                     const Visitor& visitor, const Call& call) const;

  const std::string prefix_;
  const bool content_md5_;
  const std::uint64_t part_size_;
  const std::size_t concurrency_;
  const Clock* const clock_;
  const s3::ObjectHeaders headers_;
  s3::Bucket bucket_;
  s3::ConditionalPut conditional_;
};

Result<void> S3Backend::put_whole(std::string_view key, Source& body, const PutOptions& options, const Call& call) {
  auto hash = s3::hash_body(body, key, bucket_.unsigned_payload(), content_md5_, call);
  if (!hash) return pass(hash);
  Operation operation = about("PUT", key);
  operation.headers = headers_.of_new(options);
  if (options.if_absent) operation.headers.push_back({.name = "If-None-Match", .value = "*"});
  if (!hash->md5.empty()) operation.headers.push_back({.name = "Content-MD5", .value = hash->md5});
  operation.body = &body;
  operation.payload_hash = hash->sha256;
  auto answer = bucket_.send(operation, concat("put ", key), call);
  if (!answer) return pass(answer);
  // Something between us and the store may answer 200 to anything.
  if (answer->header("etag").empty())
    return fail(Errc::unavailable, concat("put ", key, ": the answer has no ETag"),
                "is the endpoint that of an S3 store?");
  return {};
}

Result<ObjectInfo> S3Backend::put(std::string_view key, Source& body, const PutOptions& options, const Call& call) {
  if (auto begun = backend::begin("put", key, call); !begun) return pass(begun);
  const std::string store_key = prefix_ + std::string(key);
  if (options.if_absent) {
    if (auto kept = conditional_.ensure(store_key, call); !kept) return pass(kept, concat("put ", key));
  }
  const bool whole = body.size() < part_size_;
  auto stored = whole ? put_whole(key, body, options, call)
                      : s3::put_in_parts(
                            bucket_, store_key, key, body, options, headers_,
                            {.part_size = part_size_, .concurrency = concurrency_, .content_md5 = content_md5_}, call);
  if (!stored && stored.error().code == Errc::precondition_failed) return backend::key_exists(key);
  if (!stored) return pass(stored);
  const Timestamp now = clock_ == nullptr ? SystemClock().now() : clock_->now();
  return ObjectInfo{.key = std::string(key), .size = body.size(), .modified_at = options.modified_at.value_or(now)};
}

Result<std::uint64_t> S3Backend::get(std::string_view key, ByteRange range, Sink& out, const Call& call) {
  if (auto begun = backend::begin("get", key, call); !begun) return pass(begun);
  if (backend::RangedGet::needs_no_bytes(range)) return backend::judge_range(*this, key, range, {}, call);
  return get_range(key, range, out, call);
}

Result<std::uint64_t> S3Backend::get_range(std::string_view key, ByteRange range, Sink& out, const Call& call) {
  const std::string what = concat("get ", key);
  backend::RangedGet ranged(range, out);
  Operation operation = about("GET", key);
  operation.headers = headers_.of_bytes();
  ranged.prepare(operation.headers, operation.out, operation.on_head);
  auto answer = bucket_.send(operation, what, call);
  const bool odd = !answer && (answer.error().code == Errc::out_of_range || answer.error().code == Errc::unsupported);
  if (odd && ranged.is_part()) return backend::judge_range(*this, key, range, std::move(answer.error()), call);
  if (!answer && answer.error().code == Errc::not_found) return backend::not_found(key);
  if (!answer) return pass(answer);
  return ranged.finish(what);
}

Result<ObjectInfo> S3Backend::stat(std::string_view key, const Call& call) {
  if (auto begun = backend::begin("stat", key, call); !begun) return pass(begun);
  Operation head = about("HEAD", key);
  head.headers = headers_.of_bytes();
  auto answer = bucket_.send(head, concat("stat ", key), call);
  if (!answer && !is_retryable(answer.error())) {
    // An answer to HEAD has no body, and 404 may be the bucket's: the same GET says why.
    Operation get = head;
    get.method = "GET";
    get.headers.push_back({.name = "Range", .value = "bytes=0-0"});
    if (auto why = bucket_.send(get, concat("stat ", key), call); !why) {
      if (why.error().code == Errc::not_found) return backend::not_found(key);
      return pass(why);
    }
  }
  if (!answer) return pass(answer);
  const auto size = backend::parse_number(answer->header("content-length"));
  const auto time = s3::time_of(*answer);
  if (!size || !time) return fail(Errc::unavailable, concat("stat ", key, ": the answer has no size or no time"));
  return ObjectInfo{.key = std::string(key), .size = *size, .modified_at = *time};
}

// False when the visitor has seen enough. `start` and `last` are keys of the store: where the listing begins, and the
// last that was seen.
Result<bool> S3Backend::visit(const s3::ListingPage& page, std::string_view prefix, std::string_view start,
                              std::string& last, const Visitor& visitor, const Call& call) const {
  for (const ObjectInfo& object : page.objects) {
    if (auto going = call.check(concat("list ", prefix)); !going) return pass(going);
    if (object.key <= start) continue;  // from a store that does not know start-after
    if (object.key <= last)
      return fail(Errc::unsupported, concat("list ", prefix, ": the store does not list in the order of the keys"));
    last = object.key;
    if (!object.key.starts_with(prefix_)) continue;
    ObjectInfo shown = object;
    shown.key.erase(0, prefix_.size());
    // Markers of folders and whatever else is no key of ours.
    if (!shown.key.starts_with(prefix) || !check_key(shown.key)) continue;
    if (!visitor(shown)) return false;
  }
  return true;
}

Result<void> S3Backend::list(std::string_view prefix, std::string_view after, const Visitor& visitor,
                             const Call& call) {
  if (auto valid = check_prefix(prefix); !valid) return valid;
  const std::string what = concat("list ", prefix);
  const std::string start = after.empty() ? std::string() : prefix_ + std::string(after);
  std::string last, token;
  for (;;) {
    if (auto going = call.check(what); !going) return going;
    Operation operation{.body_limit = kListingLimit};
    operation.query = {{"list-type", "2"}, {"encoding-type", "url"}, {"prefix", prefix_ + std::string(prefix)}};
    if (!start.empty()) operation.query.emplace_back("start-after", start);
    if (!token.empty()) operation.query.emplace_back("continuation-token", token);
    auto answer = bucket_.send(operation, what, call);
    if (!answer) return pass(answer);
    auto page = s3::parse_listing(answer->body);
    if (!page) return pass(page, what);
    auto more = visit(*page, prefix, start, last, visitor, call);
    if (!more) return pass(more);
    if (!*more || page->next.empty()) return {};
    if (page->next == token) return fail(Errc::unavailable, what + ": the store gives the same page again");
    token = std::move(page->next);
  }
}

Result<void> S3Backend::remove(std::string_view key, const Call& call) {
  if (auto begun = backend::begin("remove", key, call); !begun) return begun;
  auto answer = bucket_.send(about("DELETE", key), concat("remove ", key), call);
  if (!answer && answer.error().code != Errc::not_found) return pass(answer);
  return {};
}

}  // namespace

std::unique_ptr<Backend> make_s3_backend(const S3Options& options) { return std::make_unique<S3Backend>(options); }

}  // namespace replica
