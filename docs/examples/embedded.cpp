// Replicates a database from inside an application, without a daemon: embedded DATABASE REPLICA_DIRECTORY
#include <iostream>
#include <replica/backend.hpp>
#include <replica/replicator.hpp>

namespace {

int failed(const replica::Error& error) {
  std::cerr << "Error: " << error.message << "\n";
  return 1;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  const std::string database = argv[1];
  replica::Replicator replicator;
  auto added = replicator.add({.path = database, .backend = replica::make_file_backend({.root = argv[2]})});
  if (!added) return failed(added.error());
  // From here on commits are captured and uploaded as they happen, on the replicator's own threads.
  if (auto started = replicator.start(database, true); !started) return failed(started.error());

  // When a commit must not be lost, wait until it is on the replica.
  const auto synced = replicator.sync(database, true);
  if (!synced) return failed(synced.error());
  std::cout << "durable up to transaction " << synced->replicated_txid.value << "\n";

  const auto stopped = replicator.stop(database);  // uploads the rest
  return stopped ? 0 : failed(stopped.error());
}
