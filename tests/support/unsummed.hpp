// Frames that SQLite before 3.50 leaves without salts and checksum (docs/capture.md).
#pragma once

#include <sqlite3.h>

inline bool leaves_frames_unsummed() { return sqlite3_libversion_number() < 3'050'000; }

// Spilled pages are spilled again, then the transaction goes back to a savepoint before that. Needs t(id, v) with more
// rows than fit in three pages.
template <class Application>
void rewrite_and_roll_back(Application& app) {
  app.run("PRAGMA cache_size=3; PRAGMA cache_spill=1; BEGIN; SAVEPOINT s");
  app.run("UPDATE t SET v = randomblob(901)");
  for (int n = 0; n < 3; ++n) app.run("UPDATE t SET v = randomblob(902) WHERE id > 30");
  app.run("ROLLBACK TO s; INSERT INTO t(v) VALUES ('kept'); RELEASE s; COMMIT");
}
