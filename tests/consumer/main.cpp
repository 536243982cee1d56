// What a user of the installed libraries writes: replicate a database, restore it and compare; answer a JSON-RPC
// request. Usage: consumer EMPTY-DIRECTORY
#include <sqlite3.h>

#include <control/jsonrpc.hpp>
#include <cstdio>
#include <cstdlib>
#include <replica/backend.hpp>
#include <replica/replicator.hpp>
#include <replica/restore.hpp>
#include <string>

namespace {

[[noreturn]] void give_up(const std::string& why) {
  std::fprintf(stderr, "consumer: %s\n", why.c_str());
  std::exit(1);
}

template <class T>
T must(replica::Result<T> result, const char* what) {
  if (!result) give_up(std::string(what) + ": " + result.error().message);
  if constexpr (!std::is_void_v<T>) return std::move(*result);
}

// Runs SQL on a connection of its own; the first column of the last row.
std::string sql(const std::string& path, const char* statements) {
  sqlite3* db = nullptr;
  if (sqlite3_open(path.c_str(), &db) != SQLITE_OK) give_up("open " + path);
  std::string last;
  const auto take = [](void* out, int, char** values, char**) {
    *static_cast<std::string*>(out) = values[0] != nullptr ? values[0] : "";
    return 0;
  };
  if (sqlite3_exec(db, statements, take, &last, nullptr) != SQLITE_OK) give_up(sqlite3_errmsg(db));
  sqlite3_close(db);
  return last;
}

constexpr const char* kContent = "SELECT count(*) || ' rows, sum ' || sum(length(body)) FROM notes";

void replicate_and_restore(const std::string& directory) {
  const std::string source = directory + "/app.db", copy = directory + "/restored.db";
  sql(source, "PRAGMA journal_mode=wal; CREATE TABLE notes(id INTEGER PRIMARY KEY, body TEXT)");

  const std::shared_ptr<replica::Backend> store = replica::make_file_backend({.root = directory + "/replica"});
  replica::Replicator replicator;
  must(replicator.add({.path = source, .backend = store, .replica_url = "file://" + directory + "/replica"}), "add");
  must(replicator.start(source, true), "start");
  sql(source,
      "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000)"
      " INSERT INTO notes(body) SELECT hex(randomblob(i % 200)) FROM n");
  const replica::SyncOutcome synced = must(replicator.sync(source, true), "sync");
  must(replicator.stop(source), "stop");

  const replica::Replica objects(store, "");
  const auto plan = must(replica::plan_restore(objects, {}, {}), "plan");
  const replica::RestoreOptions options{.output = copy, .integrity_check = replica::IntegrityCheck::full};
  const auto restored = must(replica::apply_restore(objects, plan, options, {}), "restore");

  const std::string here = sql(source, kContent), there = sql(copy, kContent);
  if (restored.txid < synced.replicated_txid || here != there) give_up("restored " + there + ", source " + here);
  std::printf("libreplica: restored txid %s, %s\n", restored.txid.text().c_str(), there.c_str());
}

void parse_request() {
  const auto incoming = control::jsonrpc::parse(
      R"({"jsonrpc":"2.0","method":"sync","params":{"path":"/data/app.db","wait":true},"id":7})");
  if (incoming.batch || incoming.calls.size() != 1 || !incoming.calls[0]) give_up("the request was not understood");
  const control::jsonrpc::Request& request = *incoming.calls[0];
  if (request.method != "sync" || request.id != "7" || !request.params.at("wait").as_bool()) give_up("wrong request");
  if (control::jsonrpc::parse("{").calls[0]) give_up("nonsense was taken for a request");
  std::printf("libcontrol: %s\n", control::jsonrpc::print(request).c_str());
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) give_up("usage: consumer EMPTY-DIRECTORY");
  replicate_and_restore(argv[1]);
  parse_request();
}
