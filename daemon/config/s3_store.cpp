#include "config/s3_store.hpp"

#include <algorithm>
#include <filesystem>

#include "config/paths.hpp"
#include "config/replace_file.hpp"
#include "config/store_schema.hpp"
#include "config/url.hpp"

namespace config {

using replica::Errc;
using replica::fail;
using replica::Result;

namespace {

constexpr std::uint64_t kLeastPart = std::uint64_t{5} << 20U;
constexpr std::uintmax_t kLargestKeyFile = 4096;
constexpr std::size_t kCustomerKeyText = 44;  // 32 bytes in base64

replica::Failure refuse(std::string message, std::string hint = {}) {
  return fail(Errc::invalid_argument, std::move(message), std::move(hint));
}

bool is_base64_key(const std::string& text) {
  const auto digit = [](unsigned char c) { return std::isalnum(c) != 0 || c == '+' || c == '/'; };
  return text.size() == kCustomerKeyText && text.back() == '=' &&
         std::all_of(text.begin(), text.end() - 1, [&](char c) { return digit(static_cast<unsigned char>(c)); });
}

Result<std::string> read_customer_key(const std::string& file) {
  auto path = absolute_path(file);
  if (!path) return path;
  std::error_code error;
  // Nothing that reading would wait for or never end.
  if (!std::filesystem::is_regular_file(*path, error) || std::filesystem::file_size(*path, error) > kLargestKeyFile)
    return refuse("no small file: " + *path);
  auto text = read_file(*path);
  if (!text) return text;
  text->resize(text->find_last_not_of(" \t\r\n") + 1);
  return text;
}

Result<void> settle_encryption(StoreSettings& store) {
  if (store.sse_customer_key.empty() && !store.sse_customer_key_path.empty()) {
    auto key = read_customer_key(store.sse_customer_key_path);
    if (!key) return replica::pass(key, "sse-customer-key-path");
    store.sse_customer_key = std::move(*key);
  }
  const bool customer = !store.sse_customer_key.empty();
  if (!store.sse_customer_algorithm.empty() && store.sse_customer_algorithm != "AES256")
    return refuse("sse-customer-algorithm must be AES256");
  if (customer && !store.sse_kms_key_id.empty())
    return refuse("cannot specify sse-customer-key & sse-kms-key-id for s3 replica");
  if (customer && !is_base64_key(store.sse_customer_key)) return refuse("sse-customer-key must be 32 bytes in base64");
  if (customer && store.endpoint.starts_with("http://") && !is_local_host(host_of(store.endpoint)))
    return refuse("sse-customer-key needs an endpoint with https");
  return {};
}

// Not whether a store would take it: whether it can stand in a host and in the address that is shown.
bool is_bucket(std::string_view name) {
  const auto fits = [](unsigned char c) {
    return c < 0x80 && (std::isalnum(c) != 0 || c == '-' || c == '.' || c == '_');
  };
  const auto fits_arn = [&](unsigned char c) { return fits(c) || c == ':' || c == '/'; };
  if (name.starts_with("arn:")) return std::all_of(name.begin(), name.end(), fits_arn);
  return std::all_of(name.begin(), name.end(), fits);
}

Result<void> settle_place(const StoreSettings& store) {
  if (store.bucket.empty()) return refuse("bucket required for s3 replica");
  if (!is_bucket(store.bucket)) return refuse("the bucket of an s3 replica has letters, digits, '-', '.' and '_' only");
  if (!store.endpoint.empty() && !is_http_endpoint(store.endpoint))
    return refuse("the endpoint of an s3 replica must be HOST, HOST:PORT or a URL with http or https");
  return {};
}

Result<void> settle_numbers(const StoreSettings& store) {
  if (store.part_size && store.part_size->bytes < kLeastPart)
    return refuse("part-size must be at least 5MiB (got " + std::to_string(store.part_size->bytes) + " bytes)");
  if (store.concurrency && *store.concurrency < 1)
    return refuse("concurrency must be greater than 0 (got " + std::to_string(*store.concurrency) + ")");
  if (store.access_key_id.empty() != store.secret_access_key.empty())
    return refuse("access-key-id and secret-access-key must both be specified for s3 replica");
  return {};
}

}  // namespace

Result<void> settle_s3(ReplicaSettings& replica, const StoreSettings& defaults) {
  StoreSettings& store = replica.store.edit();
  if (!replica.url.empty()) {
    if (!replica.path.empty()) return refuse("cannot specify url & path for s3 replica");
    if (!store.bucket.empty()) return refuse("cannot specify url & bucket for s3 replica");
    auto place = parse_s3_url(replica.url);
    if (!place) return replica::pass(place);
    inherit(store, place->store);
    replica.key_prefix = place->path + "/";
  } else {
    replica.key_prefix = replica.path + "/";
  }
  inherit(store, defaults);
  if (!store.endpoint.empty() && store.endpoint.find("://") == std::string::npos) store.endpoint.insert(0, "https://");
  while (store.endpoint.ends_with('/')) store.endpoint.pop_back();
  if (auto checked = settle_place(store); !checked) return checked;
  if (auto checked = settle_numbers(store); !checked) return checked;
  if (auto checked = settle_encryption(store); !checked) return checked;
  const std::string& prefix = replica.key_prefix;
  const std::string path = prefix == "./" ? "" : "/" + prefix.substr(0, prefix.size() - 1);
  replica.location = "s3://" + store.bucket + encode_url_text(path, "-._~/!$'()*,;:@=");
  if (!store.endpoint.empty()) replica.location += "?endpoint=" + encode_url_text(store.endpoint, "-._~/:[]");
  return {};
}

replica::S3Options s3_options(const ReplicaSettings& replica) {
  const StoreSettings& store = replica.store;
  replica::S3Options out{.bucket = store.bucket, .prefix = replica.key_prefix};
  out.region = store.region;
  out.endpoint = store.endpoint;
  out.access_key_id = store.access_key_id;
  out.secret_access_key = store.secret_access_key;
  out.path_style = store.force_path_style.value_or(!store.endpoint.empty());
  out.sign_payload = store.sign_payload.value_or(true);
  out.content_md5 = store.require_content_md5.value_or(false);
  out.skip_verify = store.skip_verify.value_or(false);
  if (store.part_size) out.part_size = store.part_size->bytes;
  out.storage_class = store.storage_class;
  out.sse_customer_key = store.sse_customer_key;
  out.sse_kms_key_id = store.sse_kms_key_id;
  const std::string_view host = host_of(store.endpoint);
  if (host.ends_with(".r2.cloudflarestorage.com")) out.concurrency = 2;  // it refuses more uploads at once
  if (store.concurrency) out.concurrency = *store.concurrency;
  if (host == "fly.storage.tigris.dev" || host == "t3.storage.dev") {
    out.sign_payload = true;
    out.headers.emplace_back("X-Tigris-Consistent", "true");  // reads see what was written elsewhere
  }
  return out;
}

std::unique_ptr<replica::Backend> make_s3(const ReplicaSettings& replica, const std::string&) {
  return replica::make_s3_backend(s3_options(replica));
}

}  // namespace config
