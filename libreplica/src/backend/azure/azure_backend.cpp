#include "backend/azure/blocks.hpp"
#include "backend/azure/errors.hpp"
#include "backend/azure/listing.hpp"
#include "backend/azure/metadata.hpp"
#include "backend/digest.hpp"
#include "backend/ranged_get.hpp"
#include "backend/transfer.hpp"
#include "base/text.hpp"

namespace replica {
namespace {

using azure::Operation;
using base::concat;

constexpr std::uint64_t kLeastPart = std::uint64_t{1} << 20U;

class Collecting final : public Writer {
 public:
  Result<void> write(Bytes data) override {
    data_.insert(data_.end(), data.begin(), data.end());
    return {};
  }
  const std::vector<std::byte>& data() const noexcept { return data_; }

 private:
  std::vector<std::byte> data_;
};

class AzureBackend final : public Backend {
 public:
  explicit AzureBackend(const AzureOptions& options)
      : prefix_(options.prefix),
        part_size_(std::max(options.part_size, kLeastPart)),
        concurrency_(static_cast<std::size_t>(std::max(options.concurrency, 1))),
        clock_(options.clock),
        container_(options),
        listing_(container_) {}

  std::string_view type() const noexcept override { return "abs"; }
  Capabilities capabilities() const noexcept override { return {.conditional_put = true, .keeps_modified_at = true}; }

  bool counts_requests() const noexcept override { return true; }
  Result<ObjectInfo> put(std::string_view key, Source& body, const PutOptions& options, const Call& call) override;
  Result<std::uint64_t> get(std::string_view key, ByteRange range, Sink& out, const Call& call) override;
  Result<ObjectInfo> stat(std::string_view key, const Call& call) override;
  Result<void> list(std::string_view prefix, std::string_view after, const Visitor& visitor, const Call& call) override;
  Result<void> remove(std::string_view key, const Call& call) override;

 private:
  Result<void> begin(std::string_view operation, std::string_view key, const Call& call) const;
  Operation about(std::string_view method, std::string_view key) const {
    return {.method = std::string(method), .key = prefix_ + std::string(key)};
  }
  Result<void> put_whole(std::string_view key, Source& body, const std::vector<http::Header>& headers,
                         const Call& call);

  const std::string prefix_;
  const std::uint64_t part_size_;
  const std::size_t concurrency_;
  const Clock* const clock_;
  azure::Container container_;
  azure::Listing listing_;
};

std::vector<http::Header> headers_of_new(const PutOptions& options) {
  std::vector<http::Header> out{{.name = "x-ms-blob-content-type", .value = "application/octet-stream"}};
  if (options.modified_at) out.push_back({.name = azure::kTimestampHeader, .value = to_rfc3339(*options.modified_at)});
  if (options.if_absent) out.push_back({.name = "If-None-Match", .value = "*"});
  return out;
}

// The service makes a slash of a backslash, so that a blob of another name would be meant.
bool has_backslash(std::string_view text) { return text.find('\\') != std::string_view::npos; }

Failure no_backslash(std::string_view operation, std::string_view key) {
  return fail(Errc::unsupported, concat(operation, " ", key, ": a blob store keeps no names with a backslash"));
}

Result<void> AzureBackend::begin(std::string_view operation, std::string_view key, const Call& call) const {
  if (auto begun = backend::begin(operation, key, call); !begun) return begun;
  if (has_backslash(prefix_) || has_backslash(key)) return no_backslash(operation, key);
  return {};
}

// From memory: its hash comes before it.
Result<void> AzureBackend::put_whole(std::string_view key, Source& body, const std::vector<http::Header>& headers,
                                     const Call& call) {
  Collecting whole;
  if (auto read = backend::copy_body(body, whole, key, call); !read) return read;
  MemorySource bytes(whole.data());
  Operation operation = about("PUT", key);
  operation.headers = headers;
  operation.headers.push_back({.name = "x-ms-blob-type", .value = "BlockBlob"});
  operation.headers.push_back({.name = "Content-MD5", .value = backend::base64_of(backend::md5(whole.data()))});
  operation.body = &bytes;
  auto answer = container_.send(operation, concat("put ", key), call);
  if (!answer) return pass(answer);
  // Something between us and the store may answer 200 to anything.
  if (answer->status != 201 || answer->header("etag").empty())
    return fail(Errc::unavailable, concat("put ", key, ": the answer has no ETag"),
                "is the endpoint that of a blob store?");
  return {};
}

Result<ObjectInfo> AzureBackend::put(std::string_view key, Source& body, const PutOptions& options, const Call& call) {
  if (auto begun = begin("put", key, call); !begun) return pass(begun);
  const auto headers = headers_of_new(options);
  const bool whole = body.size() < part_size_;
  auto stored = whole ? put_whole(key, body, headers, call)
                      : azure::put_in_blocks(container_, prefix_ + std::string(key), key, body, headers,
                                             {.part_size = part_size_, .concurrency = concurrency_}, call);
  if (!stored && options.if_absent && stored.error().code == Errc::precondition_failed) return backend::key_exists(key);
  if (!stored) return pass(stored);
  const Timestamp now = clock_ == nullptr ? SystemClock().now() : clock_->now();
  return ObjectInfo{.key = std::string(key), .size = body.size(), .modified_at = options.modified_at.value_or(now)};
}

Result<std::uint64_t> AzureBackend::get(std::string_view key, ByteRange range, Sink& out, const Call& call) {
  if (auto begun = begin("get", key, call); !begun) return pass(begun);
  if (backend::RangedGet::needs_no_bytes(range)) return backend::judge_range(*this, key, range, {}, call);
  backend::RangedGet ranged(range, out);
  Operation operation = about("GET", key);
  ranged.prepare(operation.headers, operation.out, operation.on_head);
  const std::string what = concat("get ", key);
  auto answer = container_.send(operation, what, call);
  if (answer) return ranged.finish(what);
  const Errc code = answer.error().code;
  if (ranged.is_part() && (code == Errc::out_of_range || code == Errc::unsupported))
    return backend::judge_range(*this, key, range, std::move(answer.error()), call);
  if (code == Errc::not_found) return backend::not_found(key);
  return pass(answer);
}

Result<ObjectInfo> AzureBackend::stat(std::string_view key, const Call& call) {
  if (auto begun = begin("stat", key, call); !begun) return pass(begun);
  auto answer = container_.send(about("HEAD", key), concat("stat ", key), call);
  if (!answer && answer.error().code == Errc::not_found) return backend::not_found(key);
  if (!answer) return pass(answer);
  const auto size = backend::parse_number(answer->header("content-length"));
  const auto time = azure::time_of(*answer);
  if (!size || !time) return fail(Errc::unavailable, concat("stat ", key, ": the answer has no size or no time"));
  // A folder of an account with a hierarchical namespace.
  if (answer->header("x-ms-meta-hdi_isfolder") == "true") return backend::not_found(key);
  return ObjectInfo{.key = std::string(key), .size = *size, .modified_at = *time};
}

Result<void> AzureBackend::list(std::string_view prefix, std::string_view after, const Visitor& visitor,
                                const Call& call) {
  if (auto valid = check_prefix(prefix); !valid) return valid;
  if (has_backslash(prefix_) || has_backslash(prefix)) return no_backslash("list", prefix);
  const auto shown = [&](const ObjectInfo& blob) {
    if (!blob.key.starts_with(prefix_)) return true;
    ObjectInfo object = blob;
    object.key.erase(0, prefix_.size());
    // Whatever is no key of ours.
    if (!object.key.starts_with(prefix) || !check_key(object.key)) return true;
    return visitor(object);
  };
  const std::string start = after.empty() ? std::string() : prefix_ + std::string(after);
  return listing_.run(prefix_ + std::string(prefix), start, shown, concat("list ", prefix), call);
}

Result<void> AzureBackend::remove(std::string_view key, const Call& call) {
  if (auto begun = begin("remove", key, call); !begun) return begun;
  auto answer = container_.send(about("DELETE", key), concat("remove ", key), call);
  if (!answer && answer.error().code != Errc::not_found) return pass(answer);
  return {};
}

}  // namespace

std::unique_ptr<Backend> make_azure_backend(const AzureOptions& options) {
  return std::make_unique<AzureBackend>(options);
}

}  // namespace replica
