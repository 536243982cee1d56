#include "replica/local_state.hpp"

#include <algorithm>

#include "engine/owner_lock.hpp"
#include "io/directory.hpp"
#include "store/local_store.hpp"
#include "store/page_hash_map.hpp"

namespace replica {

std::string default_meta_path(const std::string& database_path) { return store::default_meta_path(database_path); }

Result<LocalState> local_state(const std::string& meta_path) {
  if (auto info = io::stat_path(meta_path); !info) return pass(info);
  LocalState state{.folder = meta_path + "/ltx", .files = {}};
  auto names = io::list_directory(state.folder + "/0");
  if (!names && names.error().code != Errc::not_found) return pass(names);
  if (names)
    for (const std::string& name : *names) state.files.push_back(state.folder + "/0/" + name);
  std::sort(state.files.begin(), state.files.end());
  return state;
}

Result<void> reset_local_state(const std::string& database_path, const std::string& meta_path) {
  auto lock = engine::take_owner_lock(meta_path, database_path, nullptr);
  if (!lock) return pass(lock);
  auto store = store::LocalStore::open(meta_path, database_path);
  if (!store) return pass(store);
  // First what would be taken for the state of the replica if the files were gone already.
  if (auto r = store::PageHashMap::remove(meta_path); !r) return r;
  return store->clear();
}

}  // namespace replica
