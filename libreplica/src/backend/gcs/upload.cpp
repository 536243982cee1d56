#include "backend/gcs/upload.hpp"

#include <cstring>
#include <random>

#include "backend/gcs/answers.hpp"
#include "backend/ranged_get.hpp"
#include "base/text.hpp"

namespace replica::gcs {

using base::concat;

namespace {

constexpr int kMostFailures = 3;  // in a row
constexpr std::chrono::seconds kCancelPatience{10};

Failure wrong_length(std::uint64_t size, bool more) {
  return fail(Errc::corrupt, concat("body has ", more ? "more" : "less", " than ", size, " bytes"));
}

// A body with text before and after it.
class Framed final : public Source {
 public:
  Framed(std::string head, Source& body, std::string tail)
      : head_(std::move(head)), tail_(std::move(tail)), body_(body), left_(body.size()) {}

  Result<std::size_t> read(MutableBytes out) override {
    if (out.empty()) return 0;
    if (at_ < head_.size()) return copy(head_, at_, out);
    if (left_ > 0) return read_body(out);
    if (!checked_) {
      if (auto ended = check_end(); !ended) return pass(ended);
    }
    return copy(tail_, at_tail_, out);
  }
  std::uint64_t size() const override { return head_.size() + body_.size() + tail_.size(); }
  Result<void> rewind() override {
    at_ = at_tail_ = 0;
    left_ = body_.size();
    checked_ = false;
    return body_.rewind();
  }

 private:
  static std::size_t copy(const std::string& text, std::size_t& at, MutableBytes out) {
    const std::size_t count = std::min(text.size() - at, out.size());
    std::memcpy(out.data(), text.data() + at, count);
    at += count;
    return count;
  }
  Result<std::size_t> read_body(MutableBytes out) {
    auto got = body_.read(out.first(static_cast<std::size_t>(std::min<std::uint64_t>(left_, out.size()))));
    if (got && *got == 0) return wrong_length(body_.size(), false);
    if (got) left_ -= *got;
    return got;
  }
  Result<void> check_end() {
    std::byte more{};
    auto beyond = body_.read(MutableBytes(&more, 1));
    if (!beyond) return pass(beyond);
    if (*beyond > 0) return wrong_length(body_.size(), true);
    checked_ = true;
    return {};
  }

  const std::string head_, tail_;
  Source& body_;
  std::uint64_t left_;
  std::size_t at_ = 0, at_tail_ = 0;
  bool checked_ = false;
};

// Nothing that a body would have in it.
std::string random_boundary() {
  std::random_device random;
  std::string out = "litestream-";
  for (int i = 0; i < 4; ++i) out += base::hex(random(), 8);
  return out;
}

std::string query_of(std::string_view type, const Upload& upload) {
  return concat("?uploadType=", type, "&name=", http::percent_encode(upload.store_key),
                upload.put.if_absent ? "&ifGenerationMatch=0" : "");
}

// What the store says it has now.
Result<ObjectInfo> check_stored(const http::Response& answer, std::uint64_t size, const Upload& upload) {
  auto stored = parse_object(answer.body);
  if (!stored) return pass(stored, concat("put ", upload.key));
  if (stored->size != size || stored->key != upload.store_key)
    return fail(Errc::unavailable, concat("put ", upload.key, ": the store has ", stored->size, " bytes of ", size));
  stored->key = upload.key;
  if (upload.put.modified_at) stored->modified_at = *upload.put.modified_at;
  return stored;
}

class Session {
 public:
  Session(Bucket& bucket, Source& body, const Upload& upload, const Call& call)
      : bucket_(bucket), body_(body), upload_(upload), call_(call), size_(body.size()), piece_(upload.piece) {}

  Result<void> begin();
  Result<ObjectInfo> run();
  void cancel();

 private:
  Result<void> load();
  Result<http::Response> send_piece(bool repeats);
  Result<http::Response> ask();
  Result<void> take(const http::Response& answer);
  std::string what() const { return concat("put ", upload_.key); }

  Bucket& bucket_;
  Source& body_;
  const Upload& upload_;
  const Call& call_;
  const std::uint64_t size_;
  std::string url_;
  std::vector<std::byte> piece_;  // the bytes from `arrived_` on
  std::size_t filled_ = 0;        // of piece_
  std::uint64_t read_ = 0;        // from the body
  std::uint64_t arrived_ = 0;     // at the store
};

Result<void> Session::begin() {
  const std::string text = describe_object(upload_.store_key, upload_.put);
  MemorySource description(std::as_bytes(std::span(text)));
  auto answer = bucket_.send({.method = "POST",
                              .url = bucket_.upload_url(query_of("resumable", upload_)),
                              .headers = {{"Content-Type", "application/json; charset=UTF-8"},
                                          {"X-Upload-Content-Type", "application/octet-stream"},
                                          {"X-Upload-Content-Length", std::to_string(size_)}},
                              .body = &description},
                             what(), call_);
  if (!answer) return pass(answer);
  url_ = answer->header("location");
  const bool tls_kept = !bucket_.upload_url("").starts_with("https://") || url_.starts_with("https://");
  if (!url_.starts_with("http") || !tls_kept)
    return fail(Errc::unavailable, what() + ": the answer has no address for the upload",
                "is the endpoint that of Google Cloud Storage?");
  return {};
}

// Fills the piece. The last byte of the body goes out only when it is known to be the last.
Result<void> Session::load() {
  const auto wanted = static_cast<std::size_t>(std::min<std::uint64_t>(piece_.size() - filled_, size_ - read_));
  if (auto read = read_exactly(body_, MutableBytes(piece_).subspan(filled_, wanted)); !read) {
    if (read.error().code == Errc::corrupt) return wrong_length(size_, false);
    return pass(read, "read body");
  }
  filled_ += wanted;
  read_ += wanted;
  if (wanted == 0 || read_ < size_) return {};
  std::byte more{};
  auto beyond = body_.read(MutableBytes(&more, 1));
  if (!beyond) return pass(beyond, "read body");
  if (*beyond > 0) return wrong_length(size_, true);
  return {};
}

Result<http::Response> Session::send_piece(bool repeats) {
  MemorySource body(Bytes(piece_).first(filled_));
  const std::uint64_t last = arrived_ + filled_ - 1;
  return bucket_.send({.method = "PUT",
                       .url = url_,
                       .headers = {{"Content-Range", concat("bytes ", arrived_, "-", last, "/", size_)}},
                       .body = &body,
                       .may_be_unfinished = true,
                       .repeats = repeats},
                      what(), call_);
}

// How much has arrived?
Result<http::Response> Session::ask() {
  MemorySource nothing(Bytes{});
  return bucket_.send({.method = "PUT",
                       .url = url_,
                       .headers = {{"Content-Range", concat("bytes */", size_)}},
                       .body = &nothing,
                       .may_be_unfinished = true,
                       .kind = RequestClass::other},
                      what(), call_);
}

// Of a 308: "Range: bytes=0-LAST", or none when nothing has arrived.
Result<void> Session::take(const http::Response& answer) {
  constexpr std::string_view kBegin = "bytes=0-";
  const std::string_view range = answer.header("range");
  std::uint64_t arrived = 0;
  if (!range.empty()) {
    const auto last = range.starts_with(kBegin) ? backend::parse_number(range.substr(kBegin.size())) : std::nullopt;
    arrived = last ? *last + 1 : ~std::uint64_t{0};
  }
  if (arrived < arrived_ || arrived > arrived_ + filled_)
    return fail(Errc::unavailable, what() + ": the store has lost a part of the upload");
  const auto gone = static_cast<std::size_t>(arrived - arrived_);
  std::memmove(piece_.data(), piece_.data() + gone, filled_ - gone);
  filled_ -= gone;
  arrived_ = arrived;
  return {};
}

// Whether to go on after a failed request: not for what will not pass, nor when the store asks for a pause, nor when it
// has forgotten the upload.
bool may_go_on(Error& error) {
  if (error.code == Errc::not_found) {
    error.code = Errc::unavailable;
    return false;
  }
  return is_retryable(error) && !error.retry_after;
}

Result<ObjectInfo> Session::run() {
  bool sure = true;  // that we know what has arrived
  for (int failures = 0; failures < kMostFailures;) {
    if (auto loaded = load(); !loaded) return pass(loaded, what());
    auto answer = sure && filled_ > 0 ? send_piece(failures > 0) : ask();
    if (answer && answer->ok()) return check_stored(*answer, size_, upload_);
    if (!answer) {
      if (!may_go_on(answer.error()) || ++failures == kMostFailures) return pass(answer);
      sure = false;
      continue;
    }
    const std::uint64_t before = arrived_;
    if (auto taken = take(*answer); !taken) return pass(taken);
    if (arrived_ > before) failures = 0;
    if (arrived_ == before && sure) ++failures;
    sure = true;
  }
  return fail(Errc::unavailable, what() + ": the store takes no more of the upload");
}

// With a patience of its own: the call may be over.
void Session::cancel() {
  const Call call = backend::in_any_case(call_, kCancelPatience);
  static_cast<void>(
      bucket_.send({.method = "DELETE", .url = url_, .kind = RequestClass::other}, "cancel upload", call));
}

}  // namespace

Result<ObjectInfo> put_whole(Bucket& bucket, Source& body, const Upload& upload, const Call& call) {
  const std::string boundary = random_boundary();
  std::string head = concat("--", boundary, "\r\nContent-Type: application/json; charset=UTF-8\r\n\r\n",
                            describe_object(upload.store_key, upload.put), "\r\n--", boundary,
                            "\r\nContent-Type: application/octet-stream\r\n\r\n");
  Framed framed(std::move(head), body, concat("\r\n--", boundary, "--\r\n"));
  auto answer = bucket.send({.method = "POST",
                             .url = bucket.upload_url(query_of("multipart", upload)),
                             .headers = {{"Content-Type", "multipart/related; boundary=" + boundary}},
                             .body = &framed,
                             .kind = RequestClass::put},
                            concat("put ", upload.key), call);
  if (!answer) return pass(answer);
  return check_stored(*answer, body.size(), upload);
}

Result<ObjectInfo> put_resumable(Bucket& bucket, Source& body, const Upload& upload, const Call& call) {
  Session session(bucket, body, upload, call);
  if (auto begun = session.begin(); !begun) return pass(begun);
  auto stored = session.run();
  if (!stored) session.cancel();
  return stored;
}

}  // namespace replica::gcs
