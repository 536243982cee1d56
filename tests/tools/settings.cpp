#include "subject.hpp"

namespace tools {

SubjectSettings SubjectSettings::by_seed(const std::string& directory, Random& random) {
  SubjectSettings s;
  s.directory = directory;
  s.monitor_ms = random.pick({5, 20, 50});
  s.checkpoint_ms = random.pick({20, 100, 1000});
  s.sync_ms = random.pick({1, 10, 100});
  s.min_checkpoint_pages = random.pick({5, 20, 100, 1000});
  s.truncate_pages = random.pick({10, 50, 50, 500, 121'359});
  s.max_sync_wal_bytes = random.pick<std::int64_t>({0, 1, 65'536, 1'048'576, 67'108'864});
  s.levels_ms = random.pick(std::vector<std::vector<int>>{{100, 300}, {50, 200, 600}, {100}});
  s.snapshot_ms = random.pick({500, 1000, 60'000});
  s.snapshot_retention_ms = random.pick({500, 86'400'000, 86'400'000});
  s.l0_retention_ms = random.pick({1, 200, 200, 300'000});
  s.l0_retention_check_ms = random.pick({50, 100});
  s.mirrored = random.chance(0.3);
  s.hibernate_ms = random.pick({0, 5, 50});
  s.loses_events = random.chance(0.25);
  s.crowded = random.chance(0.25);
  return s;
}

std::string SubjectSettings::text() const {
  std::string levels;
  for (int level : levels_ms) levels += (levels.empty() ? "" : ",") + std::to_string(level);
  return "monitor " + std::to_string(monitor_ms) + " ms, checkpoint " + std::to_string(checkpoint_ms) + " ms, sync " +
         std::to_string(sync_ms) + " ms, min pages " + std::to_string(min_checkpoint_pages) + ", truncate pages " +
         std::to_string(truncate_pages) + ", max sync bytes " + std::to_string(max_sync_wal_bytes) + ", levels " +
         levels + " ms, snapshot " + std::to_string(snapshot_ms) + " ms kept " + std::to_string(snapshot_retention_ms) +
         " ms, level 0 kept " + std::to_string(l0_retention_ms) + " ms" + (mirrored ? ", mirrored" : "") +
         ", hibernates after " + std::to_string(hibernate_ms) + " ms" + (loses_events ? ", loses events" : "") +
         (crowded ? ", crowded" : "");
}

}  // namespace tools
