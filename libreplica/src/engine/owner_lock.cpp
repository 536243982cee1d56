#include "engine/owner_lock.hpp"

#include <array>

namespace replica::engine {

Result<io::File> borrow_owner_lock(const std::string& meta_path, const std::string& database_path, io::Gate* gate) {
  auto lock = io::File::open(meta_path + "/lock", io::File::Mode::read_write, gate, 0600);
  if (!lock) return pass(lock);
  auto mine = lock->try_lock_exclusive();
  if (!mine) return pass(mine);
  if (!*mine) {
    std::array<std::byte, 32> holder{};
    auto n = lock->read_at(0, holder);
    const std::string pid(reinterpret_cast<const char*>(holder.data()), n ? *n : 0);
    return fail(Errc::busy, "database " + database_path + " is already replicated by process " + pid,
                "stop that daemon first; one database has one daemon");
  }
  return lock;
}

Result<io::File> take_owner_lock(const std::string& meta_path, const std::string& database_path, io::Gate* gate) {
  auto lock = borrow_owner_lock(meta_path, database_path, gate);
  if (!lock) return lock;
  const std::string pid = std::to_string(io::process_id());
  if (auto r = lock->truncate(0); !r) return pass(r);
  if (auto r = lock->write_at(0, std::as_bytes(std::span(pid))); !r) return pass(r);
  return lock;
}

}  // namespace replica::engine
