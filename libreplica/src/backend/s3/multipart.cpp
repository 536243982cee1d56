#include "backend/s3/multipart.hpp"

#include <algorithm>

#include "backend/s3/errors.hpp"
#include "backend/s3/payload.hpp"
#include "base/text.hpp"

namespace replica::s3 {

using base::concat;

namespace {

constexpr std::uint64_t kMostParts = 10'000;
constexpr int kMostSends = 3;
constexpr std::chrono::seconds kAbortPatience{10};

// A part that is being sent.
struct Slot {
  enum class State { free, ready, sending };
  State state = State::free;
  std::size_t number = 0;  // from 1
  int sends = 0;
  std::vector<std::byte> data;
  std::optional<MemorySource> body;
  PayloadHash hash;
  http::Request request;
};

class PartFeed final : public http::Feed {
 public:
  PartFeed(Bucket& bucket, Operation model, std::string what, Source& body, const MultipartOptions& options,
           const Call& call)
      : bucket_(bucket),
        model_(std::move(model)),
        what_(std::move(what)),
        body_(body),
        options_(options),
        call_(call),
        left_(body.size()),
        etags_(static_cast<std::size_t>((body.size() + options.part_size - 1) / options.part_size)),
        slots_(std::min(options.concurrency, etags_.size())) {}

  const std::vector<std::string>& etags() const noexcept { return etags_; }
  Result<const http::Request*> next() override;
  Result<void> done(const http::Request& request, Result<http::Response> answer) override;

 private:
  Slot* find(Slot::State state);
  Result<void> load(Slot& slot);
  Result<void> check_end();

  Bucket& bucket_;
  const Operation model_;
  const std::string what_;
  Source& body_;
  const MultipartOptions& options_;
  const Call& call_;
  std::uint64_t left_;
  std::size_t loaded_ = 0;  // parts
  std::vector<std::string> etags_;
  std::vector<Slot> slots_;
};

Slot* PartFeed::find(Slot::State state) {
  const auto found = std::find_if(slots_.begin(), slots_.end(), [&](const Slot& s) { return s.state == state; });
  return found == slots_.end() ? nullptr : &*found;
}

// A body of another length than it said is found out before the upload is completed.
Result<void> PartFeed::check_end() {
  std::byte more{};
  auto beyond = body_.read(MutableBytes(&more, 1));
  if (!beyond) return pass(beyond, "read body");
  if (*beyond > 0) return fail(Errc::corrupt, concat(what_, ": body has more than ", body_.size(), " bytes"));
  return {};
}

Result<void> PartFeed::load(Slot& slot) {
  slot.data.resize(static_cast<std::size_t>(std::min(left_, options_.part_size)));
  if (auto read = read_exactly(body_, slot.data); !read) {
    if (read.error().code != Errc::corrupt) return pass(read, "read body");
    return fail(Errc::corrupt, concat(what_, ": body has less than ", body_.size(), " bytes"));
  }
  left_ -= slot.data.size();
  if (left_ == 0) {
    if (auto ended = check_end(); !ended) return ended;
  }
  slot.number = ++loaded_;
  slot.sends = 0;
  slot.hash = hash_bytes(slot.data, bucket_.unsigned_payload(), options_.content_md5);
  slot.state = Slot::State::ready;
  return {};
}

Result<const http::Request*> PartFeed::next() {
  Slot* slot = find(Slot::State::ready);
  if (slot == nullptr && left_ > 0) {
    slot = find(Slot::State::free);
    if (slot != nullptr)
      if (auto loaded = load(*slot); !loaded) return pass(loaded);
  }
  if (slot == nullptr) return nullptr;
  Operation part = model_;
  part.query.emplace_back("partNumber", std::to_string(slot->number));
  part.body = &slot->body.emplace(slot->data);
  part.payload_hash = slot->hash.sha256;
  if (!slot->hash.md5.empty()) part.headers.push_back({.name = "Content-MD5", .value = slot->hash.md5});
  auto request = bucket_.prepare(part, call_);
  if (!request) return pass(request, what_);
  slot->request = std::move(*request);
  slot->state = Slot::State::sending;
  ++slot->sends;
  return &slot->request;
}

Result<void> PartFeed::done(const http::Request& request, Result<http::Response> answer) {
  Slot& slot = *std::find_if(slots_.begin(), slots_.end(), [&](const Slot& s) { return &s.request == &request; });
  const std::string what = concat(what_, " part ", slot.number);
  if (answer && answer->ok()) {
    std::string& etag = etags_[slot.number - 1];
    etag = answer->header("etag");
    slot.state = Slot::State::free;
    if (!etag.empty()) return {};
    return fail(Errc::unavailable, what + ": the answer has no ETag", "is the endpoint that of an S3 store?");
  }
  Error error = answer ? store_error(*answer, what) : std::move(answer.error()).within(what);
  const bool again = is_retryable(error) && error.code != Errc::busy && slot.sends < kMostSends;
  if (!again) return Failure(std::move(error));
  slot.state = Slot::State::ready;
  return {};
}

// With a patience of its own: the call may be over.
void abort_upload(Bucket& bucket, const std::string& store_key, const std::string& id) {
  const Call call{.stop = {}, .deadline = std::chrono::steady_clock::now() + kAbortPatience};
  static_cast<void>(
      bucket.send({.method = "DELETE", .key = store_key, .query = {{"uploadId", id}}}, "abort upload", call));
}

Result<void> complete(Bucket& bucket, const std::string& store_key, const std::string& id,
                      const std::vector<std::string>& etags, bool if_absent, const std::string& what,
                      const Call& call) {
  const std::string text = complete_body(etags);
  const Bytes bytes = std::as_bytes(std::span(text));
  MemorySource body(bytes);
  Operation operation{.method = "POST", .key = store_key, .query = {{"uploadId", id}}, .body = &body};
  operation.headers.push_back({.name = "Content-Type", .value = "application/xml"});
  operation.payload_hash = hash_bytes(bytes, false, false).sha256;
  if (if_absent) operation.headers.push_back({.name = "If-None-Match", .value = "*"});
  auto answer = bucket.send(operation, what, call);
  if (!answer) return pass(answer);
  // The status comes before the work is done; what failed meanwhile is told in the body.
  if (answer->body.find("CompleteMultipartUploadResult") == std::string::npos)
    return Failure(store_error(*answer, what + ": the upload was not completed"));
  return {};
}

}  // namespace

std::uint64_t part_size_for(std::uint64_t body, std::uint64_t wanted) noexcept {
  const std::uint64_t least = body / kMostParts + (body % kMostParts == 0 ? 0 : 1);
  return std::max({wanted, least, std::uint64_t{1}});
}

Result<void> put_in_parts(Bucket& bucket, const std::string& store_key, std::string_view key, Source& body,
                          const PutOptions& put, const ObjectHeaders& headers, const MultipartOptions& options,
                          const Call& call) {
  const std::string what = concat("put ", key);
  auto begun = bucket.send(
      {.method = "POST", .key = store_key, .query = {{"uploads", ""}}, .headers = headers.of_new(put)}, what, call);
  if (!begun) return pass(begun);
  auto id = parse_upload_id(begun->body);
  if (!id) return pass(id, what);
  MultipartOptions sized = options;
  sized.part_size = part_size_for(body.size(), options.part_size);
  const Operation model{.method = "PUT", .key = store_key, .query = {{"uploadId", *id}}, .headers = headers.of_bytes()};
  PartFeed feed(bucket, model, what, body, sized, call);
  auto sent = bucket.client().send_all(feed, sized.concurrency, call);
  if (sent) sent = complete(bucket, store_key, *id, feed.etags(), put.if_absent, what, call);
  if (!sent) abort_upload(bucket, store_key, *id);
  return sent;
}

}  // namespace replica::s3
