// The types of store a replica may be in. A new one is a line in the table of stores.cpp.
#pragma once

#include <memory>
#include <string_view>

#include "config/config.hpp"
#include "replica/replica.hpp"

namespace config {

struct StoreKind {
  std::string_view type;
  replica::KeyLayout layout;
  // Looks through what was written, with `defaults` for what was not, and makes type, root or key_prefix, and location.
  replica::Result<void> (*settle)(ReplicaSettings& replica, const StoreSettings& defaults);
  // By `root`, `key_prefix` and `store`. `database` may be empty: for reading only.
  std::unique_ptr<replica::Backend> (*make)(const ReplicaSettings& replica, const std::string& database);
  bool remote = true;  // what fails may go better a moment later: tried again at once
};

// By the scheme of the url, else by type; a replica that names neither is a file's. invalid_argument
// `unknown replica type in config: "zz"`.
replica::Result<const StoreKind*> kind_of(const ReplicaSettings& replica);
replica::Result<const StoreKind*> kind_named(std::string_view type);

// kind_of and its settle().
replica::Result<void> settle(ReplicaSettings& replica, const StoreSettings& defaults);
// A replica given by its address alone.
replica::Result<ReplicaSettings> replica_at(const std::string& url);

}  // namespace config
