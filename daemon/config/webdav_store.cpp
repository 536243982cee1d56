#include "config/webdav_store.hpp"

#include <algorithm>

#include "config/store_schema.hpp"
#include "config/url.hpp"

namespace config {

using replica::Errc;
using replica::fail;
using replica::Result;

namespace {

replica::Failure refuse(std::string message, std::string hint = {}) {
  return fail(Errc::invalid_argument, std::move(message), std::move(hint));
}

struct WebdavPlace {
  StoreSettings store;
  std::string path;
};

// webdav://[USER[:PASSWORD]@]HOST[:PORT]/PATH; webdavs:// is https.
Result<WebdavPlace> parse_webdav_url(const std::string& url) {
  auto parts = parse_url(url);
  if (!parts) return replica::pass(parts);
  if (!parts->query.empty())
    return refuse("unknown query parameter \"" + parts->query.front().first + "\" in replica url");
  if (parts->host.empty()) return refuse("host required for webdav replica url");
  if (auto host = parse_host_port(parts->host); !host) return replica::pass(host, "webdav replica url");
  WebdavPlace out;
  out.store.webdav_url = (parts->scheme == "webdavs" ? "https://" : "http://") + parts->host;
  out.store.webdav_username = parts->user;
  out.store.webdav_password = parts->password;
  out.path = parts->path;
  return out;
}

// The host in lower case, without the port that is the scheme's own and without slashes at the end.
std::string normal_url(std::string url) {
  const std::size_t host = url.find("://") + 3;
  const std::size_t path = std::min(url.find('/', host), url.size());
  std::transform(url.begin() + static_cast<std::ptrdiff_t>(host), url.begin() + static_cast<std::ptrdiff_t>(path),
                 url.begin() + static_cast<std::ptrdiff_t>(host),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  const std::string_view port = url.starts_with("https:") ? ":443" : ":80";
  if (std::string_view(url).substr(0, path).ends_with(port)) url.erase(path - port.size(), port.size());
  while (url.ends_with('/')) url.pop_back();
  return url;
}

Result<void> settle_store(StoreSettings& store) {
  std::string& url = store.webdav_url;
  if (url.empty()) return refuse("webdav-url required for webdav replica");
  const auto odd = [](unsigned char c) { return c <= 0x20 || c >= 0x7f || c == '?' || c == '#'; };
  if (host_of(url).find('@') != std::string_view::npos)
    return refuse("the webdav-url of a webdav replica takes no user and password",
                  "set webdav-username and webdav-password");
  if (!is_http_endpoint(url) || std::any_of(url.begin(), url.end(), odd))
    return refuse("the webdav-url of a webdav replica must be a URL with http or https",
                  "a space in it is written %20");
  if (store.webdav_username.empty() && !store.webdav_password.empty())
    return refuse("webdav-username required for webdav replica with webdav-password");
  if (store.webdav_username.find(':') != std::string::npos) return refuse("webdav-username must not have a ':'");
  url = normal_url(url);
  return {};
}

std::string location_of(const ReplicaSettings& replica) {
  const std::string& url = replica.store->webdav_url;
  const std::string& user = replica.store->webdav_username;
  const std::size_t scheme = url.find("://") + 3;
  std::string out = url.starts_with("https:") ? "webdavs://" : "webdav://";
  if (!user.empty()) out += encode_url_text(user) + "@";
  out += url.substr(scheme);
  if (replica.key_prefix.empty()) return out;
  const std::string path = replica.key_prefix.substr(0, replica.key_prefix.size() - 1);
  return out + "/" + encode_url_text(path, "-._~/!$'()*,;:@=");
}

}  // namespace

Result<void> settle_webdav(ReplicaSettings& replica, const StoreSettings& defaults) {
  StoreSettings& store = replica.store.edit();
  std::string path = replica.path;
  if (!replica.url.empty()) {
    if (!replica.path.empty()) return refuse("cannot specify url & path for webdav replica");
    if (!store.webdav_url.empty()) return refuse("cannot specify url & webdav-url for webdav replica");
    auto place = parse_webdav_url(replica.url);
    if (!place) return replica::pass(place);
    inherit(store, place->store);
    path = std::move(place->path);
  }
  inherit(store, defaults);
  if (auto settled = settle_store(store); !settled) return settled;
  replica.key_prefix = clean_key_path(path);
  if (!replica.key_prefix.empty()) replica.key_prefix += '/';
  replica.location = location_of(replica);
  return {};
}

replica::WebdavOptions webdav_options(const ReplicaSettings& replica) {
  const StoreSettings& store = replica.store;
  return {.url = store.webdav_url,
          .prefix = replica.key_prefix,
          .user = store.webdav_username,
          .password = store.webdav_password,
          .skip_verify = store.skip_verify.value_or(false)};
}

std::unique_ptr<replica::Backend> make_webdav(const ReplicaSettings& replica, const std::string&) {
  return replica::make_webdav_backend(webdav_options(replica));
}

}  // namespace config
