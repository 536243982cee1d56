#include "hooks/hooks.hpp"

#include "hooks/command.hpp"
#include "hooks/webhook.hpp"

namespace litestreamd {

using replica::LogLevel;

namespace {

Command command_for(const config::ExecHookSettings& settings, const std::string& run, const replica::Event& event) {
  Command command;
  command.words = settings.command;
  command.timeout = config::to_milliseconds(settings.timeout);
  command.input = event_payload(run, event) + "\n";
  command.environment = {{"LITESTREAM_EVENT", std::string(replica::name(event.kind))},
                         {"LITESTREAM_EVENT_SEQ", std::to_string(event.seq)},
                         {"LITESTREAM_EVENT_RUN", run},
                         {"LITESTREAM_EVENT_TIME", replica::to_rfc3339(event.time)},
                         {"LITESTREAM_EVENT_PATH", event.path},
                         {"LITESTREAM_EVENT_TXID", event.txid ? std::to_string(event.txid.value) : ""},
                         {"LITESTREAM_EVENT_LEVEL", event.level ? std::to_string(*event.level) : ""},
                         {"LITESTREAM_EVENT_CODE", event.code},
                         {"LITESTREAM_EVENT_DETAIL", event.detail}};
  return command;
}

void run_hook(const config::ExecHookSettings& settings, const std::string& run, const replica::Event& event,
              const std::stop_token& stop, replica::Logger& log) {
  const auto status = run_command(command_for(settings, run, event), stop);
  if (status && *status == 0) return;
  log.log(LogLevel::warn, "exec hook failed",
          {{"command", settings.command.front()},
           {"event", std::string(replica::name(event.kind))},
           {"seq", std::to_string(event.seq)},
           {"error", status ? "exit status " + std::to_string(*status) : status.error().message}});
}

}  // namespace

Hooks::~Hooks() { runners_.clear(); }

void Hooks::add_exec(const config::ExecHookSettings& settings, replica::EventBus& bus, replica::Logger& log) {
  runners_.push_back(std::make_unique<HookRunner>(
      "exec", bus, settings.filter, bus.next(), settings.concurrency,
      [settings, run = bus.run(), &log](const replica::Event& event, const std::stop_token& stop) {
        run_hook(settings, run, event, stop, log);
      },
      log));
}

replica::Result<std::unique_ptr<Hooks>> Hooks::start(const config::EventsSettings& settings,
                                                     const config::Environment& environment, replica::EventBus& bus,
                                                     replica::Logger& log) {
  std::unique_ptr<Hooks> hooks(new Hooks());
  if (settings.webhook) {
    auto webhook = Webhook::open(*settings.webhook, environment, bus.run(), log);
    if (!webhook) return replica::pass(webhook);
    hooks->webhook_ = std::move(*webhook);
    hooks->runners_.push_back(std::make_unique<HookRunner>(
        "webhook", bus, settings.webhook->filter, bus.next(), 1,
        [webhook = hooks->webhook_.get()](const replica::Event& event, const std::stop_token& stop) {
          webhook->deliver(event, stop);
        },
        log));
  }
  if (settings.exec) hooks->add_exec(*settings.exec, bus, log);
  return hooks;
}

void Hooks::finish(std::chrono::milliseconds patience) {
  // One patience for all of them.
  const auto end = std::chrono::steady_clock::now() + patience;
  for (const auto& runner : runners_) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(end - std::chrono::steady_clock::now());
    runner->finish(std::max(left, std::chrono::milliseconds(0)));
  }
}

}  // namespace litestreamd
