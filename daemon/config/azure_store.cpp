#include "config/azure_store.hpp"

#include "config/store_checks.hpp"
#include "config/store_schema.hpp"
#include "config/url.hpp"

namespace config {

using replica::Errc;
using replica::fail;
using replica::Result;

namespace {

constexpr std::uint64_t kLeastPart = std::uint64_t{1} << 20U;

replica::Failure refuse(std::string message, std::string hint = {}) {
  return fail(Errc::invalid_argument, std::move(message), std::move(hint));
}

std::string default_endpoint(const std::string& account) { return "https://" + account + ".blob.core.windows.net"; }

Result<void> read_url(ReplicaSettings& replica) {
  auto url = parse_url(replica.url);
  if (!url) return replica::pass(url);
  if (!url->password.empty())
    return refuse("an abs address takes no password", "set account-key, or LITESTREAM_AZURE_ACCOUNT_KEY");
  StoreSettings said;
  said.account_name = url->user;
  said.bucket = url->host;
  for (const auto& [name, value] : url->query) {
    if (name == "endpoint") said.endpoint = value;
  }
  said.endpoint = complete_endpoint(std::move(said.endpoint), true);
  inherit(replica.store.edit(), said);
  replica.key_prefix = clean_key_path(url->path);
  return {};
}

Result<void> read_connection_string(StoreSettings& store) {
  if (store.connection_string.empty()) return {};
  auto said = replica::parse_azure_connection_string(store.connection_string);
  if (!said) return replica::pass(said);
  StoreSettings values;
  values.account_name = said->account;
  values.account_key = said->account_key;
  values.sas_token = said->sas_token;
  values.endpoint = said->endpoint;
  inherit(store, values);
  return {};
}

bool is_base64(std::string_view text) {
  const std::string_view digits = text.substr(0, text.find('='));
  return text.size() % 4 == 0 && text.size() - digits.size() <= 2 && is_made_of(digits, "+/") &&
         text.find_first_not_of('=', digits.size()) == std::string_view::npos;
}

Result<void> check(const StoreSettings& store) {
  if (store.bucket.empty()) return refuse("bucket required for abs replica");
  if (!is_made_of(store.bucket, "-$")) return refuse("the bucket of an abs replica has letters, digits and '-' only");
  if (!is_made_of(store.account_name, "-")) return refuse("account-name has letters and digits only");
  if (store.account_name.empty() && store.endpoint.empty())
    return refuse("account-name required for abs replica without endpoint", "write abs://ACCOUNT@CONTAINER/PATH");
  if (!store.account_key.empty() && !is_base64(store.account_key)) return refuse("account-key must be in base64");
  if (!store.account_key.empty() && store.sas_token.empty() && store.account_name.empty())
    return refuse("account-key needs account-name for abs replica");
  if (!store.endpoint.empty() && !is_endpoint(store.endpoint))
    return refuse("the endpoint of an abs replica must be HOST, HOST:PORT or a URL with http or https");
  return check_parts(store, kLeastPart, "1MiB");
}

std::string location_of(const ReplicaSettings& replica) {
  const StoreSettings& store = replica.store;
  std::string out = "abs://";
  if (!store.account_name.empty()) out += store.account_name + "@";
  out += store.bucket;
  if (!replica.key_prefix.empty()) out += "/" + encode_url_text(replica.key_prefix, "-._~/!$'()*,;:@=");
  if (out.ends_with('/')) out.pop_back();
  if (!store.endpoint.empty() && store.endpoint != default_endpoint(store.account_name))
    out += "?endpoint=" + encode_url_text(store.endpoint, "-._~/:[]");
  return out;
}

}  // namespace

Result<void> settle_azure(ReplicaSettings& replica, const StoreSettings& defaults) {
  StoreSettings& store = replica.store.edit();
  replica.key_prefix = clean_key_path(replica.path);
  if (!replica.url.empty()) {
    if (!replica.path.empty()) return refuse("cannot specify url & path for abs replica");
    if (!store.bucket.empty()) return refuse("cannot specify url & bucket for abs replica");
    if (auto read = read_url(replica); !read) return read;
  }
  if (!replica.key_prefix.empty()) replica.key_prefix += '/';
  if (auto read = read_connection_string(store); !read) return read;
  inherit(store, defaults);
  if (auto read = read_connection_string(store); !read) return read;
  store.endpoint = complete_endpoint(std::move(store.endpoint), false);
  if (auto checked = check(store); !checked) return checked;
  replica.location = location_of(replica);
  return {};
}

replica::AzureOptions azure_options(const ReplicaSettings& replica) {
  const StoreSettings& store = replica.store;
  replica::AzureOptions out{.account = store.account_name, .container = store.bucket, .prefix = replica.key_prefix};
  out.endpoint = store.endpoint;
  out.sas_token = store.sas_token;
  out.account_key = store.account_key;
  out.skip_verify = store.skip_verify.value_or(false);
  if (store.part_size) out.part_size = store.part_size->bytes;
  if (store.concurrency) out.concurrency = *store.concurrency;
  return out;
}

std::unique_ptr<replica::Backend> make_azure(const ReplicaSettings& replica, const std::string&) {
  return replica::make_azure_backend(azure_options(replica));
}

}  // namespace config
