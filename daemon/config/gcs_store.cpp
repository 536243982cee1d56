#include "config/gcs_store.hpp"

#include <algorithm>

#include "config/paths.hpp"
#include "config/s3_store.hpp"
#include "config/store_schema.hpp"
#include "config/url.hpp"

namespace config {

using replica::Errc;
using replica::fail;
using replica::Result;

namespace {

constexpr std::uint64_t kLeastPart = std::uint64_t{256} << 10U;

replica::Failure refuse(std::string message, std::string hint = {}) {
  return fail(Errc::invalid_argument, std::move(message), std::move(hint));
}

struct GcsPlace {
  StoreSettings store;
  std::string path;
};

// gs://BUCKET/PATH; the parameters are ours, the peer takes none.
Result<GcsPlace> parse_gcs_url(const std::string& url) {
  auto parts = parse_url(url);
  if (!parts) return replica::pass(parts);
  if (!parts->user.empty() || !parts->password.empty()) return refuse("a gs address takes no user and password");
  GcsPlace out;
  out.store.bucket = parts->host;
  out.path = clean_key_path(parts->path);
  for (const auto& [name, value] : parts->query) {
    if (name == "endpoint") {
      out.store.endpoint = value;
    } else if (name == "anonymous" && (value == "true" || value == "false")) {
      out.store.anonymous = value == "true";
    } else {
      return refuse("unknown or invalid query parameter \"" + name + "\" in replica url",
                    "endpoint=URL and anonymous=true are known");
    }
  }
  return out;
}

// As path.Join of the peer has it: a slash in front stays.
std::string key_prefix_of(const std::string& path) {
  const std::string clean = clean_key_path(path);
  return (path.starts_with('/') ? "/" : "") + clean + (clean.empty() ? "" : "/");
}

// Not whether Google would take it: whether it can stand in the address that is shown.
bool is_bucket(std::string_view name) {
  return std::all_of(name.begin(), name.end(), [](unsigned char c) {
    return c < 0x80 && (std::isalnum(c) != 0 || c == '-' || c == '.' || c == '_');
  });
}

Result<void> settle_store(StoreSettings& store) {
  if (store.bucket.empty()) return refuse("bucket required for gs replica");
  if (!is_bucket(store.bucket)) return refuse("the bucket of a gs replica has letters, digits, '-', '.' and '_' only");
  std::string& endpoint = store.endpoint;
  if (!endpoint.empty() && endpoint.find("://") == std::string::npos)
    endpoint.insert(0, is_local_host(endpoint) ? "http://" : "https://");
  while (endpoint.ends_with('/')) endpoint.pop_back();
  if (!endpoint.empty() && !is_http_endpoint(endpoint))
    return refuse("the endpoint of a gs replica must be HOST, HOST:PORT or a URL with http or https");
  if (store.part_size && store.part_size->bytes < kLeastPart)
    return refuse("part-size must be at least 256KiB (got " + std::to_string(store.part_size->bytes) + " bytes)");
  if (store.credentials_path.empty()) return {};
  if (store.anonymous.value_or(false)) return refuse("cannot specify credentials-path & anonymous for gs replica");
  auto path = absolute_path(store.credentials_path);
  if (!path) return replica::pass(path, "credentials-path");
  store.credentials_path = std::move(*path);
  return {};
}

std::string location_of(const ReplicaSettings& replica) {
  const StoreSettings& store = replica.store;
  std::string out = "gs://" + store.bucket;
  if (!replica.key_prefix.empty()) {
    const std::string path = "/" + replica.key_prefix.substr(0, replica.key_prefix.size() - 1);
    out += encode_url_text(path, "-._~/!$'()*,;:@=");
  }
  if (store.endpoint.empty()) return out;
  out += "?endpoint=" + encode_url_text(store.endpoint, "-._~/:[]");
  return store.anonymous.value_or(false) ? out + "&anonymous=true" : out;
}

}  // namespace

Result<void> settle_gcs(ReplicaSettings& replica, const StoreSettings& defaults) {
  StoreSettings& store = replica.store.edit();
  if (!replica.url.empty()) {
    if (!replica.path.empty()) return refuse("cannot specify url & path for gs replica");
    if (!store.bucket.empty()) return refuse("cannot specify url & bucket for gs replica");
    auto place = parse_gcs_url(replica.url);
    if (!place) return replica::pass(place);
    if (place->store.bucket.empty()) return refuse("bucket required for gs replica");
    inherit(store, place->store);
    replica.key_prefix = key_prefix_of(place->path);
  } else {
    replica.key_prefix = key_prefix_of(replica.path);
  }
  // An endpoint for all is that of an S3 store, and so is its part size.
  StoreSettings for_gcs = defaults;
  for_gcs.endpoint.clear();
  for_gcs.part_size.reset();
  inherit(store, for_gcs);
  if (auto settled = settle_store(store); !settled) return settled;
  replica.location = location_of(replica);
  return {};
}

replica::GcsOptions gcs_options(const ReplicaSettings& replica) {
  const StoreSettings& store = replica.store;
  replica::GcsOptions out{.bucket = store.bucket, .prefix = replica.key_prefix};
  out.endpoint = store.endpoint;
  out.credentials_path = store.credentials_path;
  out.anonymous = store.anonymous.value_or(false);
  out.skip_verify = store.skip_verify.value_or(false);
  if (store.part_size) out.part_size = store.part_size->bytes;
  return out;
}

std::unique_ptr<replica::Backend> make_gcs(const ReplicaSettings& replica, const std::string&) {
  return replica::make_gcs_backend(gcs_options(replica));
}

}  // namespace config
