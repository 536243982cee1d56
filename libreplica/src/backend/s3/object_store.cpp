#include "backend/s3/object_store.hpp"

#include <algorithm>

#include "backend/listed.hpp"
#include "backend/ranged_get.hpp"
#include "backend/s3/conditional.hpp"
#include "backend/s3/multipart.hpp"
#include "backend/s3/payload.hpp"
#include "backend/s3/xml.hpp"
#include "backend/transfer.hpp"
#include "base/text.hpp"

namespace replica::s3 {
namespace {

using base::concat;

constexpr std::size_t kListingLimit = std::size_t{16} << 20U;  // 1000 keys of 1024 encoded bytes, and room

class ObjectStore final : public Backend {
 public:
  ObjectStore(std::unique_ptr<Service> bucket, ObjectHeaders headers, Dialect dialect, const StoreOptions& options)
      : prefix_(options.prefix),
        content_md5_(options.content_md5),
        dialect_(std::move(dialect)),
        part_size_(std::max(options.part_size, dialect_.least_part)),
        concurrency_(static_cast<std::size_t>(std::max(options.concurrency, 1))),
        clock_(options.clock),
        headers_(std::move(headers)),
        bucket_(std::move(bucket)),
        conditional_(*bucket_) {}

  std::string_view type() const noexcept override { return dialect_.type; }
  Capabilities capabilities() const noexcept override {
    return {.conditional_put = !dialect_.doubtful_condition || conditional_.may_be_supported(),
            .keeps_modified_at = false};
  }

  bool counts_requests() const noexcept override { return true; }
  Result<ObjectInfo> put(std::string_view key, Source& body, const PutOptions& options, const Call& call) override;
  Result<std::uint64_t> get(std::string_view key, ByteRange range, Sink& out, const Call& call) override;
  Result<ObjectInfo> stat(std::string_view key, const Call& call) override;
  Result<void> list(std::string_view prefix, std::string_view after, const Visitor& visitor, const Call& call) override;
  Result<void> remove(std::string_view key, const Call& call) override;

 private:
  Operation about(std::string_view method, std::string_view key) const {
    return {.method = std::string(method), .key = prefix_ + std::string(key)};
  }
  Operation reading(std::string_view method, std::string_view key) const {
    Operation out = about(method, key);
    out.headers = headers_.of_bytes;
    out.headers.insert(out.headers.end(), dialect_.reading.begin(), dialect_.reading.end());
    return out;
  }
  Result<void> put_whole(std::string_view key, Source& body, const PutOptions& options, const Call& call);
  Result<void> put_parts(std::string_view key, Source& body, const PutOptions& options, const Call& call);
  Result<std::uint64_t> get_range(std::string_view key, ByteRange range, Sink& out, const Call& call);

  const std::string prefix_;
  const bool content_md5_;
  const Dialect dialect_;
  const std::uint64_t part_size_;
  const std::size_t concurrency_;
  const Clock* const clock_;
  const ObjectHeaders headers_;
  const std::unique_ptr<Service> bucket_;
  ConditionalPut conditional_;
  backend::Leftovers leftovers_;  // uploads
};

Result<void> ObjectStore::put_whole(std::string_view key, Source& body, const PutOptions& options, const Call& call) {
  auto hash = hash_body(body, key, bucket_->unsigned_payload(), content_md5_, call);
  if (!hash) return pass(hash);
  Operation operation = about("PUT", key);
  operation.headers = headers_.of_new(options);
  if (options.if_absent) operation.headers.push_back(dialect_.if_absent);
  if (!hash->md5.empty()) operation.headers.push_back({.name = "Content-MD5", .value = hash->md5});
  operation.body = &body;
  operation.payload_hash = hash->sha256;
  auto answer = bucket_->send(operation, concat("put ", key), call);
  if (!answer) return pass(answer);
  // Something between us and the store may answer 200 to anything.
  if (answer->header("etag").empty())
    return fail(Errc::unavailable, concat("put ", key, ": the answer has no ETag"),
                "is the endpoint that of an S3 store?");
  return {};
}

Result<void> ObjectStore::put_parts(std::string_view key, Source& body, const PutOptions& options, const Call& call) {
  MultipartHeaders headers{.begin = headers_.of_new(options), .part = headers_.of_bytes, .end = {}};
  if (options.if_absent) headers.end.push_back(dialect_.if_absent);
  return put_in_parts(*bucket_, prefix_ + std::string(key), key, body, headers,
                      {.part_size = part_size_, .concurrency = concurrency_, .content_md5 = content_md5_}, leftovers_,
                      call);
}

Result<ObjectInfo> ObjectStore::put(std::string_view key, Source& body, const PutOptions& options, const Call& call) {
  if (auto begun = backend::begin("put", key, call); !begun) return pass(begun);
  if (options.if_absent && dialect_.doubtful_condition) {
    if (auto kept = conditional_.ensure(prefix_ + std::string(key), call); !kept)
      return pass(kept, concat("put ", key));
  }
  const bool whole = body.size() < part_size_;
  auto stored = whole ? put_whole(key, body, options, call) : put_parts(key, body, options, call);
  if (!stored && stored.error().code == Errc::precondition_failed) return backend::key_exists(key);
  if (!stored) return pass(stored);
  leftovers_.clear([&](const auto& upload) { return abort_upload(*bucket_, upload, call); });
  const Timestamp now = clock_ == nullptr ? SystemClock().now() : clock_->now();
  return ObjectInfo{.key = std::string(key), .size = body.size(), .modified_at = options.modified_at.value_or(now)};
}

Result<std::uint64_t> ObjectStore::get(std::string_view key, ByteRange range, Sink& out, const Call& call) {
  if (auto begun = backend::begin("get", key, call); !begun) return pass(begun);
  if (backend::RangedGet::needs_no_bytes(range)) return backend::judge_range(*this, key, range, {}, call);
  return get_range(key, range, out, call);
}

Result<std::uint64_t> ObjectStore::get_range(std::string_view key, ByteRange range, Sink& out, const Call& call) {
  const std::string what = concat("get ", key);
  backend::RangedGet ranged(range, out);
  Operation operation = reading("GET", key);
  ranged.prepare(operation.headers, operation.out, operation.on_head);
  auto answer = bucket_->send(operation, what, call);
  const bool odd = !answer && (answer.error().code == Errc::out_of_range || answer.error().code == Errc::unsupported);
  if (odd && ranged.is_part()) return backend::judge_range(*this, key, range, std::move(answer.error()), call);
  if (!answer && answer.error().code == Errc::not_found) return backend::not_found(key);
  if (!answer) return pass(answer);
  return ranged.finish(what);
}

Result<ObjectInfo> ObjectStore::stat(std::string_view key, const Call& call) {
  if (auto begun = backend::begin("stat", key, call); !begun) return pass(begun);
  Operation head = reading("HEAD", key);
  auto answer = bucket_->send(head, concat("stat ", key), call);
  if (!answer && !is_retryable(answer.error())) {
    // An answer to HEAD has no body, and 404 may be the bucket's: the same GET says why.
    Operation get = head;
    get.method = "GET";
    get.headers.push_back({.name = "Range", .value = "bytes=0-0"});
    if (auto why = bucket_->send(get, concat("stat ", key), call); !why) {
      if (why.error().code == Errc::not_found) return backend::not_found(key);
      return pass(why);
    }
  }
  if (!answer) return pass(answer);
  const auto size = backend::parse_number(answer->header("content-length"));
  const auto time = headers_.time_of(*answer);
  if (!size || !time) return fail(Errc::unavailable, concat("stat ", key, ": the answer has no size or no time"));
  return ObjectInfo{.key = std::string(key), .size = *size, .modified_at = *time};
}

Result<void> ObjectStore::list(std::string_view prefix, std::string_view after, const Visitor& visitor,
                               const Call& call) {
  if (auto valid = check_prefix(prefix); !valid) return valid;
  const std::string what = concat("list ", prefix);
  const std::string start = after.empty() ? std::string() : prefix_ + std::string(after);
  std::string last, token;
  for (;;) {
    if (auto going = call.check(what); !going) return going;
    Operation operation{.body_limit = kListingLimit};
    operation.query = {{"list-type", "2"}, {"encoding-type", "url"}, {"prefix", prefix_ + std::string(prefix)}};
    operation.query.insert(operation.query.end(), dialect_.listing.begin(), dialect_.listing.end());
    if (!start.empty()) operation.query.emplace_back("start-after", start);
    if (!token.empty()) operation.query.emplace_back("continuation-token", token);
    auto answer = bucket_->send(operation, what, call);
    if (!answer) return pass(answer);
    auto page = parse_listing(answer->body, dialect_.encoded_token);
    if (!page) return pass(page, what);
    auto more = backend::show_listed(page->objects, {prefix_, prefix, start}, last, visitor, call);
    if (!more) return pass(more);
    if (!*more || page->next.empty()) return {};
    if (page->next == token) return fail(Errc::unavailable, what + ": the store gives the same page again");
    token = std::move(page->next);
  }
}

Result<void> ObjectStore::remove(std::string_view key, const Call& call) {
  if (auto begun = backend::begin("remove", key, call); !begun) return begun;
  auto answer = bucket_->send(about("DELETE", key), concat("remove ", key), call);
  if (!answer && answer.error().code != Errc::not_found) return pass(answer);
  return {};
}

}  // namespace

std::unique_ptr<Backend> make_object_store(std::unique_ptr<Service> bucket, ObjectHeaders headers, Dialect dialect,
                                           const StoreOptions& options) {
  return std::make_unique<ObjectStore>(std::move(bucket), std::move(headers), std::move(dialect), options);
}

}  // namespace replica::s3
