#include "io/sqlite.hpp"
#include "replica/replicator.hpp"

namespace replica {

SqliteInfo sqlite_info() { return {io::sqlite_version(), io::sqlite_has_wal_reset_bug()}; }

}  // namespace replica
