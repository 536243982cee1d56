#include "backend/s3/multipart.hpp"

#include "backend/parts.hpp"
#include "backend/s3/payload.hpp"
#include "backend/s3/xml.hpp"
#include "backend/surroundings.hpp"
#include "base/text.hpp"

namespace replica::s3 {

using base::concat;

namespace {

constexpr std::uint64_t kMostParts = 10'000;
constexpr std::chrono::seconds kAbortPatience{10};

class Parts final : public backend::PartStore {
 public:
  Parts(Service& bucket, Operation model, std::size_t count, bool content_md5, const Call& call)
      : bucket_(bucket), model_(std::move(model)), content_md5_(content_md5), call_(call), etags_(count) {}

  const std::vector<std::string>& etags() const noexcept { return etags_; }

  Result<http::Request> prepare(std::size_t number, Bytes data, Source& body) override {
    const PayloadHash hash = hash_bytes(data, bucket_.unsigned_payload(), content_md5_);
    Operation part = model_;
    part.query.emplace_back("partNumber", std::to_string(number));
    part.body = &body;
    part.payload_hash = hash.sha256;
    if (!hash.md5.empty()) part.headers.push_back({.name = "Content-MD5", .value = hash.md5});
    return bucket_.prepare(part, call_);
  }
  Result<void> stored(std::size_t number, const http::Response& answer, const std::string& what) override {
    std::string& etag = etags_[number - 1];
    etag = answer.header("etag");
    if (!etag.empty()) return {};
    return fail(Errc::unavailable, what + ": the answer has no ETag", "is the endpoint that of an S3 store?");
  }
  Error error_of(const http::Response& answer, std::string_view what) override {
    return bucket_.error_of(answer, what);
  }

 private:
  Service& bucket_;
  const Operation model_;
  const bool content_md5_;
  const Call& call_;
  std::vector<std::string> etags_;
};

// Amazon's is a …Result; servers made from its model of the service call it as the model does.
bool says_completed(std::string_view body) {
  return body.find("CompleteMultipartUploadResult") != std::string_view::npos ||
         body.find("CompleteMultipartUploadResponse") != std::string_view::npos;
}

Result<void> complete(Service& bucket, const std::string& store_key, const std::string& id,
                      const std::vector<std::string>& etags, const std::vector<http::Header>& headers,
                      const std::string& what, const Call& call) {
  const std::string text = complete_body(etags);
  const Bytes bytes = std::as_bytes(std::span(text));
  MemorySource body(bytes);
  Operation operation{.method = "POST", .key = store_key, .query = {{"uploadId", id}}, .body = &body};
  operation.headers = headers;
  operation.headers.push_back({.name = "Content-Type", .value = "application/xml"});
  operation.payload_hash = hash_bytes(bytes, false, false).sha256;
  auto answer = bucket.send(operation, what, call);
  if (!answer) return pass(answer);
  // The status comes before the work is done; what failed meanwhile is told in the body.
  if (!says_completed(answer->body)) return Failure(bucket.error_of(*answer, what + ": the upload was not completed"));
  return {};
}

}  // namespace

// One that is unknown is gone, or was completed all the same.
Result<void> abort_upload(Service& bucket, const backend::Leftovers::One& upload, const Call& call) {
  auto aborted = bucket.send({.method = "DELETE", .key = upload.name, .query = {{"uploadId", upload.id}}},
                             "abort upload", backend::in_any_case(call, kAbortPatience));
  if (aborted || !is_retryable(aborted.error())) return {};
  return pass(aborted);
}

Result<void> put_in_parts(Service& bucket, const std::string& store_key, std::string_view key, Source& body,
                          const MultipartHeaders& headers, const MultipartOptions& options,
                          backend::Leftovers& leftovers, const Call& call) {
  const std::string what = concat("put ", key);
  auto begun = bucket.send({.method = "POST", .key = store_key, .query = {{"uploads", ""}}, .headers = headers.begin},
                           what, call);
  if (!begun) return pass(begun);
  auto id = parse_upload_id(begun->body);
  if (!id) return pass(id, what);
  const std::uint64_t part_size = backend::part_size_for(body.size(), options.part_size, kMostParts);
  const Operation model{.method = "PUT", .key = store_key, .query = {{"uploadId", *id}}, .headers = headers.part};
  Parts parts(bucket, model, backend::part_count(body.size(), part_size), options.content_md5, call);
  auto sent = backend::send_parts(bucket.client(), parts, body,
                                  {.part_size = part_size, .concurrency = options.concurrency}, what, call);
  if (sent) sent = complete(bucket, store_key, *id, parts.etags(), headers.end, what, call);
  if (sent) return sent;
  const backend::Leftovers::One upload{.name = store_key, .id = *id};
  if (!abort_upload(bucket, upload, call)) leftovers.add(upload);
  return sent;
}

}  // namespace replica::s3
