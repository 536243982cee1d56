// position, wait and watch.
#include "control/events.hpp"

#include <string>

#include "methods/call.hpp"
#include "methods/event_fields.hpp"
#include "methods/events_doc.hpp"
#include "methods/table.hpp"

namespace control {

namespace json = boost::json;

Method position_method() {
  return {
      .name = "position",
      .alias = {},
      .summary = "Show how far a database is captured and replicated, from memory.",
      .params = describe<PositionParams>(),
      .result = describe<PositionResult>(),
      .pace = Pace::brief,
      .errors = {kNotFound},
      .example_params = R"({"path": "/data/app.db"})",
      .example_result = R"({"path": "/data/app.db", "txid": 43, "replicated_txid": 42, "lag_bytes": 8320, )"
                        R"("lag_seconds": 0.4, "last_sync_at": "2024-01-01T00:00:00Z"})",
      .invoke = [](Service& s, const json::object& p,
                   const Arrival& a) { return call<PositionParams, &Service::position>(s, p, a, "position"); },
  };
}

Method wait_method() {
  return {
      .name = "wait",
      .alias = {},
      .summary =
          "Wait until changes are durable on the replica: it hurries nothing, and one upload serves any number of "
          "waiters.",
      .params = describe<WaitParams>(),
      .result = describe<WaitResult>(),
      .pace = Pace::parks,
      .errors = {kNotFound,
                 {code::kApplication, "database not open: <path>", "not_open"},
                 {code::kApplication, "database has no replica", "no_replica"},
                 {code::kApplication, "database was stopped: <path>", "stopped"},
                 {code::kApplication, "too many calls are waiting", "too_many_waiters"},
                 {code::kTimeout, "timeout waiting for wait", "timed_out"}},
      .example_params = R"({"path": "/data/app.db", "txid": 42, "timeout": 10})",
      .example_result = R"({"status": "durable", "path": "/data/app.db", "replicated_txid": 42})",
      .invoke = [](Service& s, const json::object& p,
                   const Arrival& a) { return call<WaitParams, &Service::wait>(s, p, a, "wait"); },
  };
}

namespace {

// What a caller may see of it who may use some of the databases only.
class OwnEvents final : public EventSource {
 public:
  OwnEvents(std::shared_ptr<EventSource> all, PrincipalPtr caller) : all_(std::move(all)), caller_(std::move(caller)) {}

  WatchResult subscription() const override { return all_->subscription(); }
  void on_event(std::function<void()> wake) override { all_->on_event(std::move(wake)); }
  Result<std::vector<EventNotice>> take(std::size_t limit) override {
    std::vector<EventNotice> own;
    for (bool more = true; more && own.size() < limit;) {
      Result<std::vector<EventNotice>> some = all_->take(limit);
      if (!some && own.empty()) return some;
      if (!some) break;  // the next call says so
      more = some->size() >= limit;
      for (EventNotice& event : *some)
        if (caller_->may_use(event.path)) own.push_back(std::move(event));
    }
    return own;
  }

 private:
  std::shared_ptr<EventSource> all_;
  PrincipalPtr caller_;
};

Result<json::value> invoke_watch(Service& service, const json::object& object, const Arrival& arrival) {
  Result<WatchParams> params = decode<WatchParams>(object);
  if (!params) return fail(std::move(params.error()));
  if (arrival.stream == nullptr) {
    return fail({.code = code::kInvalidRequest,
                 .message = "watch needs a connection of its own",
                 .reason = "not_streamable",
                 .hint = "send it alone, with an id, over the Unix socket, or GET /events"});
  }
  Result<std::shared_ptr<EventSource>> source =
      service.subscribe(*params, {.deadline = arrival.at + kQueryTimeout, .stop = arrival.stop});
  if (!source) return fail(std::move(source.error()));
  const bool limited = arrival.caller && !arrival.caller->sees_all();
  *arrival.stream = limited ? std::make_shared<OwnEvents>(std::move(*source), arrival.caller) : std::move(*source);
  return encode((*arrival.stream)->subscription());
}

}  // namespace

Method watch_method() {
  return {
      .name = "watch",
      .alias = {},
      .summary =
          "Follow what happens: events come behind the result until either side hangs up; over HTTP, GET /events.",
      .params = describe<WatchParams>(),
      .result = describe<WatchResult>(),
      .pace = Pace::brief,
      .errors = {{code::kInvalidParams, "unknown kind of event: <detail>", {}},
                 {code::kApplication, "events before <detail> are gone", "events_gone"},
                 {code::kApplication, "there is no event <detail> yet", "events_gone"},
                 {code::kApplication, "the daemon was restarted: it is run <detail> now", "run_changed"},
                 {code::kApplication, "too many watchers", "too_many_watchers"},
                 {code::kInvalidRequest, "watch needs a connection of its own", "not_streamable"}},
      .example_params = R"({"paths": ["/data/*.db"], "kinds": ["synced", "error"], "from": 17})",
      .example_result = R"({"subscribed": true, "run": "1f0c55a3e2b94d07", "next": 17})",
      .invoke = invoke_watch,
      .for_all = true,  // each sees the events of its own databases
      .streams = true,
  };
}

json::object encode_event(EventNotice event) { return encode(std::move(event)); }

std::vector<Field> event_members() { return describe<EventNotice>(); }

}  // namespace control
