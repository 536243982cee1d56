#include "io/sqlite.hpp"
#include "replica/replicator.hpp"

namespace replica {

SqliteInfo sqlite_info() { return {io::sqlite_version(), io::sqlite_has_wal_reset_bug()}; }

bool economise_sqlite() { return io::allocate_pages_singly(); }

}  // namespace replica
