#include "config/oss_store.hpp"

#include "config/store_checks.hpp"
#include "config/store_schema.hpp"
#include "config/url.hpp"

namespace config {

using replica::Errc;
using replica::fail;
using replica::Result;

namespace {

constexpr std::uint64_t kLeastPart = std::uint64_t{100} << 10U;
constexpr std::string_view kDomain = ".aliyuncs.com", kService = ".oss-", kInternal = "-internal";

replica::Failure refuse(std::string message, std::string hint = {}) {
  return fail(Errc::invalid_argument, std::move(message), std::move(hint));
}

// "BUCKET", or "BUCKET.oss-REGION[-internal].aliyuncs.com"
void read_host(std::string_view host, StoreSettings& out) {
  const std::size_t service = host.rfind(kService);
  if (!host.ends_with(kDomain) || service == std::string_view::npos || service == 0) {
    out.bucket = host;
    return;
  }
  out.bucket = host.substr(0, service);
  const std::size_t begin = service + kService.size();
  std::string_view region = host.substr(begin, host.size() - kDomain.size() - begin);
  if (region.ends_with(kInternal)) {
    region.remove_suffix(kInternal.size());
    out.endpoint = "https://" + std::string(host.substr(service + 1));
  }
  out.region = region;
}

Result<void> read_url(ReplicaSettings& replica) {
  auto url = parse_url(replica.url);
  if (!url) return replica::pass(url);
  if (!url->user.empty() || !url->password.empty())
    return refuse("an oss address takes no user and password",
                  "set access-key-id and secret-access-key, or OSS_ACCESS_KEY_ID and OSS_ACCESS_KEY_SECRET");
  StoreSettings said;
  read_host(url->host, said);
  for (const auto& [name, value] : url->query) {
    if (name == "endpoint") said.endpoint = value;
    if (name == "region") said.region = value;
  }
  said.endpoint = complete_endpoint(std::move(said.endpoint), true);
  inherit(replica.store.edit(), said);
  replica.key_prefix = clean_key_path(url->path) + "/";
  return {};
}

Result<void> check(const ReplicaSettings& replica) {
  const StoreSettings& store = replica.store;
  if (store.bucket.empty()) return refuse("bucket required for oss replica");
  if (!is_made_of(store.bucket, "-")) return refuse("the bucket of an oss replica has letters, digits and '-' only");
  if (replica.key_prefix.find_first_of("/\\") == 0)
    return refuse("path required for oss replica", "OSS takes no names that begin with a slash");
  if (!is_made_of(store.region, "-")) return refuse("the region of an oss replica has letters, digits and '-' only");
  if (!store.endpoint.empty() && !is_endpoint(store.endpoint))
    return refuse("the endpoint of an oss replica must be HOST, HOST:PORT or a URL with http or https");
  if (!store.signature_version.empty() && store.signature_version != "v4" && store.signature_version != "v1")
    return refuse("signature-version must be v4 or v1 (got \"" + store.signature_version + "\")");
  if (store.access_key_id.empty() != store.secret_access_key.empty())
    return refuse("access-key-id and secret-access-key must both be specified for oss replica");
  return check_parts(store, kLeastPart, "100KiB");
}

std::string location_of(const ReplicaSettings& replica) {
  const StoreSettings& store = replica.store;
  std::string out = "oss://" + store.bucket;
  const bool in_host = store.endpoint.empty() && !store.region.empty();
  if (in_host) out.append(kService).append(store.region).append(kDomain);
  out += "/" + encode_url_text(replica.key_prefix.substr(0, replica.key_prefix.size() - 1), "-._~/!$'()*,;:@=");
  if (store.endpoint.empty()) return out;
  out += "?endpoint=" + encode_url_text(store.endpoint, "-._~/:[]");
  if (!store.region.empty()) out += "&region=" + store.region;
  return out;
}

}  // namespace

Result<void> settle_oss(ReplicaSettings& replica, const StoreSettings& defaults) {
  StoreSettings& store = replica.store.edit();
  replica.key_prefix = replica.path + "/";
  if (!replica.url.empty()) {
    if (!replica.path.empty()) return refuse("cannot specify url & path for oss replica");
    if (!store.bucket.empty()) return refuse("cannot specify url & bucket for oss replica");
    if (auto read = read_url(replica); !read) return read;
  }
  inherit(store, defaults);
  store.endpoint = complete_endpoint(std::move(store.endpoint), false);
  if (auto checked = check(replica); !checked) return checked;
  replica.location = location_of(replica);
  return {};
}

replica::OssOptions oss_options(const ReplicaSettings& replica) {
  const StoreSettings& store = replica.store;
  replica::OssOptions out{.bucket = store.bucket, .prefix = replica.key_prefix};
  out.region = store.region;
  out.endpoint = store.endpoint;
  out.access_key_id = store.access_key_id;
  out.secret_access_key = store.secret_access_key;
  if (store.signature_version == "v1") out.signature = replica::OssSignature::v1;
  out.skip_verify = store.skip_verify.value_or(false);
  if (store.part_size) out.part_size = store.part_size->bytes;
  if (store.concurrency) out.concurrency = *store.concurrency;
  return out;
}

std::unique_ptr<replica::Backend> make_oss(const ReplicaSettings& replica, const std::string&) {
  return replica::make_oss_backend(oss_options(replica));
}

}  // namespace config
