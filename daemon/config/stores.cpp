#include "config/stores.hpp"

#include <algorithm>
#include <cctype>

#include "config/azure_store.hpp"
#include "config/gcs_store.hpp"
#include "config/nats_store.hpp"
#include "config/oss_store.hpp"
#include "config/paths.hpp"
#include "config/s3_store.hpp"
#include "config/sftp_store.hpp"
#include "config/url.hpp"
#include "config/webdav_store.hpp"

namespace config {

using replica::Errc;
using replica::fail;
using replica::KeyLayout;
using replica::Result;

namespace {

Result<void> settle_file(ReplicaSettings& replica, const StoreSettings&) {
  if (!replica.url.empty() && !replica.path.empty())
    return fail(Errc::invalid_argument, "cannot specify url & path for file replica");
  if (replica.url.empty() && replica.path.empty()) return fail(Errc::invalid_argument, "file replica path required");
  auto root = replica.url.empty() ? absolute_path(replica.path) : parse_file_url(replica.url);
  if (!root) return replica::pass(root);
  replica.root = std::move(*root);
  replica.location = file_url(replica.root);
  return {};
}

std::unique_ptr<replica::Backend> make_file(const ReplicaSettings& replica, const std::string& database) {
  // Backends of one replica come and go, see late_backend.hpp.
  static const auto kSettled = replica::make_settled_folders();
  return replica::make_file_backend({.root = replica.root, .permissions_like = database, .settled = kSettled});
}

constexpr StoreKind kKinds[] = {
    {"file", KeyLayout::ltx_folder, settle_file, make_file, false},
    {"s3", KeyLayout::hex_levels, settle_s3, make_s3},
    {"abs", KeyLayout::ltx_folder, settle_azure, make_azure},
    {"oss", KeyLayout::hex_levels, settle_oss, make_oss},
    {"gs", KeyLayout::ltx_folder, settle_gcs, make_gcs},
    {"sftp", KeyLayout::ltx_folder, settle_sftp, make_sftp},
    {"webdav", KeyLayout::ltx_folder, settle_webdav, make_webdav},
    {"nats", KeyLayout::ltx_folder, settle_nats, make_nats},
};

std::string lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return out;
}

}  // namespace

Result<const StoreKind*> kind_named(std::string_view type) {
  if (type.empty()) type = "file";
  for (const StoreKind& kind : kKinds) {
    if (kind.type == type) return &kind;
  }
  return fail(Errc::invalid_argument, "unknown replica type in config: \"" + std::string(type) + "\"",
              "use a replica of type file, s3, gs, abs, oss, sftp, webdav or nats");
}

Result<const StoreKind*> kind_of(const ReplicaSettings& replica) {
  if (replica.url.empty()) return kind_named(replica.type);
  const std::size_t colon = replica.url.find(':');
  if (colon == std::string::npos || colon == 0)
    return fail(Errc::invalid_argument, "replica url scheme required: " + without_password(replica.url),
                "write a file replica as file:///path");
  const std::string scheme = lower(std::string_view(replica.url).substr(0, colon));
  return kind_named(scheme == "webdavs" ? "webdav" : scheme);
}

Result<void> settle(ReplicaSettings& replica, const StoreSettings& defaults) {
  if (is_url(replica.path))
    return fail(Errc::invalid_argument,
                "replica path cannot be a url, please use the 'url' field instead: " + without_password(replica.path));
  auto kind = kind_of(replica);
  if (!kind) return replica::pass(kind);
  replica.type = (*kind)->type;
  return (*kind)->settle(replica, defaults);
}

Result<ReplicaSettings> replica_at(const std::string& url) {
  ReplicaSettings out;
  out.url = url;
  if (auto settled = settle(out, {}); !settled) return replica::pass(settled);
  return out;
}

}  // namespace config
