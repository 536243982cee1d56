// position, wait and watch.
#include "control/events.hpp"

#include "event_notice.hpp"
#include "service/answers.hpp"
#include "service/service.hpp"

namespace litestreamd {

using control::fail;
using control::Result;
using replica::Errc;

Result<control::PositionResult> Service::position(const control::PositionParams& params, const control::Call&) {
  const auto path = clean(params.path);
  if (!path) return fail(path.error());
  const auto status = replicator_.status(*path);
  if (!status) return fail(not_found(*path));
  control::PositionResult out;
  out.path = *path;
  out.txid = status->local_txid.value;
  out.replicated_txid = status->replicated_txid.value;
  out.lag_bytes = status->lag_bytes;
  if (status->behind_since) {
    const auto age = replica::SystemClock().now() - *status->behind_since;
    out.lag_seconds = std::max(0.0, std::chrono::duration<double>(age).count());
  }
  if (status->last_sync_at) out.last_sync_at = replica::to_rfc3339(*status->last_sync_at);
  out.replicas = replica_entries(*status);
  return out;
}

Result<control::WaitResult> Service::wait(const control::WaitParams& params, const control::Call& call) {
  const auto path = admit(params.path);
  if (!path) return fail(path.error());
  const auto txid = params.txid ? std::optional(replica::TxId{*params.txid}) : std::nullopt;
  const auto durable = replicator_.wait_durable(*path, txid, call_of(call));
  if (!durable) {
    const replica::Error& e = durable.error();
    if (auto end = gave_up("wait", call, e)) return fail(std::move(*end));
    const auto status = replicator_.status(*path);
    if (e.code == Errc::not_found || !status) return fail(not_found(*path));
    if (e.code == Errc::cancelled) return fail(error(e.message, "stopped", "start it again", true));
    if (status->replica_type.empty()) return fail(error("database has no replica", "no_replica"));
    if (e.code == Errc::precondition_failed) return fail(error(e.message, "not_open", "start it first"));
    return fail(other("", e));
  }
  control::WaitResult out;
  out.path = *path;
  out.replicated_txid = durable->value;
  return out;
}

namespace {

class Subscription final : public control::EventSource {
 public:
  Subscription(replica::EventBus& bus, replica::EventFilter filter, std::uint64_t from)
      : bus_(bus), filter_(std::move(filter)), first_(from), next_(from) {}

  control::WatchResult subscription() const override { return {.run = bus_.run(), .next = first_}; }
  Result<std::vector<control::EventNotice>> take(std::size_t limit) override {
    auto batch = bus_.read(next_, filter_, limit);
    if (!batch) return fail(error(batch.error().message, "too_slow", batch.error().hint));
    next_ = batch->next;
    std::vector<control::EventNotice> out;
    out.reserve(batch->events.size());
    for (replica::Event& event : batch->events) out.push_back(notice(std::move(event)));
    return out;
  }
  void on_event(std::function<void()> wake) override { listener_ = bus_.listen(std::move(wake)); }

 private:
  replica::EventBus& bus_;
  replica::EventFilter filter_;
  std::uint64_t first_, next_;
  std::unique_ptr<replica::EventBus::Listener> listener_;
};

constexpr std::size_t kMaxGlobs = 4096;  // bytes; comparing takes time in proportion

Result<std::vector<replica::EventKind>> kinds_of(const std::vector<std::string>& names) {
  std::vector<replica::EventKind> out;
  for (const std::string& name : names) {
    const auto kind = replica::parse_event_kind(name);
    if (kind) {
      out.push_back(*kind);
      continue;
    }
    control::Error unknown = control::invalid_params("unknown kind of event: " + name);
    for (std::size_t n = 0; n < replica::kEventKinds; ++n)
      unknown.hint.append(n == 0 ? "known are " : ", ").append(replica::name(static_cast<replica::EventKind>(n)));
    return fail(std::move(unknown));
  }
  return out;
}

}  // namespace

Result<std::shared_ptr<control::EventSource>> Service::subscribe(const control::WatchParams& params,
                                                                 const control::Call&) {
  replica::EventBus& bus = replicator_.events();
  auto kinds = kinds_of(params.kinds);
  if (!kinds) return fail(std::move(kinds.error()));
  std::size_t length = 0;
  for (const std::string& glob : params.paths) length += glob.size();
  if (length > kMaxGlobs) return fail(control::invalid_params("paths are too long together"));
  if (params.run && *params.run != bus.run())
    return fail(error("the daemon was restarted: it is run " + bus.run() + " now", "run_changed",
                      "ask for the state of the databases and watch again without from"));
  const std::uint64_t from = !params.from ? bus.next() : *params.from == 0 ? bus.oldest() : *params.from;
  replica::EventFilter filter{.paths = params.paths, .kinds = std::move(*kinds)};
  if (auto there = bus.read(from, filter, 0); !there)
    return fail(error(there.error().message, "events_gone", there.error().hint));
  return std::make_shared<Subscription>(bus, std::move(filter), from);
}

}  // namespace litestreamd
