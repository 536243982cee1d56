#include "control/dispatcher.hpp"
#include "data.hpp"
#include "replica/replicator.hpp"
#include "service/service.hpp"
#include "tasks.hpp"

namespace micro {
namespace {

// A daemon's answers without its sockets; the databases are registered and closed.
struct Daemon {
  litestreamd::LogSink log{litestreamd::LogFormat::text, replica::LogLevel::error, 2};
  replica::Replicator replicator;
  litestreamd::Service service{{.replicator = replicator, .log = log, .metering = nullptr}, {}, {}, {}, {}};
  control::Dispatcher dispatcher{service};

  explicit Daemon(int databases) {
    for (int n = 0; n < databases; ++n) {
      replica::DatabaseConfig config;
      config.path = "/srv/app/tenant-" + std::to_string(n) + ".db";
      config.backend = replica::make_memory_backend();
      must(replicator.add(std::move(config)));
    }
  }
};

Task call(std::string name, int databases, std::string request, std::size_t at_least) {
  return {std::move(name), 0, [daemon = std::make_shared<Daemon>(databases), request = std::move(request), at_least] {
            const auto reply = daemon->dispatcher.handle(request);
            if (!reply || reply->size() < at_least || reply->find("\"result\"") == reply->npos)
              give_up("not answered: " + reply.value_or(""));
          }};
}

}  // namespace

void add_control_tasks(std::vector<Task>& tasks) {
  tasks.push_back(call("rpc_status", 1,
                       R"({"jsonrpc":"2.0","method":"status","params":{"path":"/srv/app/tenant-0.db"},"id":1})", 40));
  tasks.push_back(call("rpc_list_1000", 1000, R"({"jsonrpc":"2.0","method":"list","id":1})", 40'000));
}

}  // namespace micro
