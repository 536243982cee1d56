#include <memory>

#include "data.hpp"
#include "engine/maintain.hpp"
#include "support/temp_dir.hpp"
#include "tasks.hpp"

namespace micro {

using namespace replica;

namespace {

constexpr std::uint32_t kFiles = 8, kPagesOfOne = 1000;
constexpr Level kTarget = 1;

// A file replica with level-0 files that the system has in its cache, for they were just written.
struct Stored {
  support::TempDir directory;
  Replica replica{make_file_backend({.root = directory.path("replica")}), "db"};
  std::vector<LtxFileInfo> inputs;
  std::uint64_t bytes = 0;

  Stored() {
    for (std::uint32_t n = 0; n < kFiles; ++n) {
      const TxId txid{2 + n};
      const ByteVector file = make_file(txid, 2 + n, kFiles, kPagesOfOne);
      MemorySource body(file);
      inputs.push_back(must(replica.write(0, {txid, txid}, {}, body, {})));
      bytes += file.size();
    }
  }
};

// All of a compaction: reading from files, checking, merging, writing, syncing, giving it to the replica.
Task compact_files() {
  auto stored = std::make_shared<Stored>();
  return {"compact_files", stored->bytes, [stored] {
            const auto open = [&](const LtxFileInfo& file) {
              return stored->replica.open(file, {}, engine::kCompactionBlock);
            };
            const auto done = must(
                engine::compact(stored->replica, kTarget, stored->inputs, open, stored->directory.path("scratch"), {}));
            if (done.inputs != kFiles) give_up("not all files were merged");
            must(stored->replica.remove({done.file}, {}));  // what is there already is not written again by a link
          }};
}

}  // namespace

void add_file_tasks(std::vector<Task>& tasks) { tasks.push_back(compact_files()); }

}  // namespace micro
