#include "backend/gcs/answers.hpp"
#include "backend/gcs/upload.hpp"
#include "backend/listed.hpp"
#include "backend/ranged_get.hpp"
#include "backend/transfer.hpp"
#include "base/text.hpp"

namespace replica {
namespace {

using base::concat;

constexpr std::size_t kListingLimit = std::size_t{16} << 20U;  // 1000 objects with their metadata, and room

// Names in Google's JSON are text.
bool is_utf8(std::string_view text) {
  for (std::size_t i = 0; i < text.size();) {
    const auto lead = static_cast<unsigned char>(text[i]);
    const int more = lead < 0x80 ? 0 : lead >= 0xc2 && lead < 0xe0 ? 1 : lead >= 0xe0 && lead < 0xf0 ? 2 : 3;
    if (more == 3 && (lead < 0xf0 || lead > 0xf4)) return false;
    if (i + static_cast<std::size_t>(more) >= text.size()) return false;
    for (int k = 1; k <= more; ++k) {
      if ((static_cast<unsigned char>(text[i + static_cast<std::size_t>(k)]) & 0xc0U) != 0x80U) return false;
    }
    i += static_cast<std::size_t>(more) + 1;
  }
  return true;
}

class GcsBackend final : public Backend {
 public:
  explicit GcsBackend(const GcsOptions& options)
      : prefix_(options.prefix),
        piece_(std::max(options.part_size / gcs::kPieceUnit, std::uint64_t{1}) * gcs::kPieceUnit),
        bucket_(options) {}

  std::string_view type() const noexcept override { return "gs"; }
  Capabilities capabilities() const noexcept override { return {.conditional_put = true, .keeps_modified_at = true}; }

  bool counts_requests() const noexcept override { return true; }
  Result<ObjectInfo> put(std::string_view key, Source& body, const PutOptions& options, const Call& call) override;
  Result<std::uint64_t> get(std::string_view key, ByteRange range, Sink& out, const Call& call) override;
  Result<ObjectInfo> stat(std::string_view key, const Call& call) override;
  Result<void> list(std::string_view prefix, std::string_view after, const Visitor& visitor, const Call& call) override;
  Result<void> remove(std::string_view key, const Call& call) override;

 private:
  static Result<void> begin(std::string_view operation, std::string_view key, const Call& call);
  std::string store_key(std::string_view key) const { return prefix_ + std::string(key); }
  Error error_about(std::string_view key, std::string_view what, Error error, const Call& call);

  const std::string prefix_;
  const std::uint64_t piece_;
  gcs::Bucket bucket_;
};

Result<void> GcsBackend::begin(std::string_view operation, std::string_view key, const Call& call) {
  if (auto begun = backend::begin(operation, key, call); !begun) return begun;
  if (is_utf8(key)) return {};
  return fail(Errc::invalid_argument, concat(operation, ": Google Cloud Storage takes only keys in UTF-8"));
}

Error GcsBackend::error_about(std::string_view key, std::string_view what, Error error, const Call& call) {
  return error.code == Errc::not_found ? bucket_.missing(key, what, call) : std::move(error);
}

Result<ObjectInfo> GcsBackend::put(std::string_view key, Source& body, const PutOptions& options, const Call& call) {
  if (auto begun = begin("put", key, call); !begun) return pass(begun);
  const gcs::Upload upload{.key = key, .store_key = store_key(key), .put = options, .piece = piece_};
  auto stored = body.size() <= piece_ ? gcs::put_whole(bucket_, body, upload, call)
                                      : gcs::put_resumable(bucket_, body, upload, call);
  if (stored) return stored;
  if (stored.error().code == Errc::precondition_failed && options.if_absent) return backend::key_exists(key);
  return Failure(gcs::Bucket::no_bucket(std::move(stored.error())));
}

Result<std::uint64_t> GcsBackend::get(std::string_view key, ByteRange range, Sink& out, const Call& call) {
  if (auto begun = begin("get", key, call); !begun) return pass(begun);
  if (backend::RangedGet::needs_no_bytes(range)) return backend::judge_range(*this, key, range, {}, call);
  const std::string what = concat("get ", key);
  backend::RangedGet ranged(range, out);
  gcs::Operation operation{.url = bucket_.object_url(store_key(key), "?alt=media")};
  ranged.prepare(operation.headers, operation.out, operation.on_head);
  auto answer = bucket_.send(operation, what, call);
  if (answer) return ranged.finish(what);
  const Errc code = answer.error().code;
  const bool odd = code == Errc::out_of_range || code == Errc::unsupported;
  if (odd && ranged.is_part()) return backend::judge_range(*this, key, range, std::move(answer.error()), call);
  return Failure(error_about(key, what, std::move(answer.error()), call));
}

Result<ObjectInfo> GcsBackend::stat(std::string_view key, const Call& call) {
  if (auto begun = begin("stat", key, call); !begun) return pass(begun);
  const std::string what = concat("stat ", key);
  auto answer =
      bucket_.send({.url = bucket_.object_url(store_key(key), "?fields=name,size,timeCreated,updated,metadata"),
                    .kind = RequestClass::stat},
                   what, call);
  if (!answer) return Failure(error_about(key, what, std::move(answer.error()), call));
  auto info = gcs::parse_object(answer->body);
  if (!info) return pass(info, what);
  info->key = key;
  return info;
}

Result<void> GcsBackend::list(std::string_view prefix, std::string_view after, const Visitor& visitor,
                              const Call& call) {
  if (auto valid = check_prefix(prefix); !valid) return valid;
  const std::string what = concat("list ", prefix);
  const std::string start = after.empty() ? std::string() : store_key(after);
  const std::string query =
      concat("?maxResults=1000&prefix=", http::percent_encode(store_key(prefix)),
             start.empty() ? "" : "&startOffset=" + http::percent_encode(start),
             "&fields=kind,nextPageToken,items(name,size,timeCreated,updated,metadata)&pageToken=");
  std::string last, token;
  for (;;) {
    if (auto going = call.check(what); !going) return going;
    auto answer = bucket_.send({.url = bucket_.objects_url(query + http::percent_encode(token)),
                                .body_limit = kListingLimit,
                                .kind = RequestClass::list},
                               what, call);
    if (!answer) return Failure(gcs::Bucket::no_bucket(std::move(answer.error())));
    auto page = gcs::parse_listing(answer->body);
    if (!page) return pass(page, what);
    auto more = backend::show_listed(page->objects, {prefix_, prefix, start}, last, visitor, call);
    if (!more) return pass(more);
    if (!*more || page->next.empty()) return {};
    if (page->next == token) return fail(Errc::unavailable, what + ": the store gives the same page again");
    token = std::move(page->next);
  }
}

Result<void> GcsBackend::remove(std::string_view key, const Call& call) {
  if (auto begun = begin("remove", key, call); !begun) return begun;
  const std::string what = concat("remove ", key);
  auto answer = bucket_.send({.method = "DELETE", .url = bucket_.object_url(store_key(key))}, what, call);
  if (answer) return {};
  Error error = error_about(key, what, std::move(answer.error()), call);
  if (error.code == Errc::not_found) return {};
  return Failure(std::move(error));
}

}  // namespace

std::unique_ptr<Backend> make_gcs_backend(const GcsOptions& options) { return std::make_unique<GcsBackend>(options); }

}  // namespace replica
