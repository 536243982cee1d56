// `litestreamctl top`: a live view of all databases.
#include <optional>

#include "connect.hpp"
#include "control_call.hpp"
#include "human.hpp"
#include "interrupt.hpp"
#include "output.hpp"
#include "replica/clock.hpp"
#include "top_view.hpp"

namespace litestreamctl {

namespace json = boost::json;
using std::chrono::milliseconds;

namespace {

constexpr milliseconds kAskFor{5'000};  // an answer this late is none

// Asks the daemon again and again; a connection that broke is made anew.
class Feed {
 public:
  explicit Feed(const cli::Arguments& args) : args_(args) {}

  // On failure the view keeps its rows and says why they are old.
  Outcome refresh(TopView& view) {
    Outcome done = ask(view);
    if (!done) client_.reset();
    view.trouble = done ? "" : "Error: " + printable(done.error().message);
    return done;
  }

 private:
  Outcome ask(TopView& view) {
    if (!client_) {
      auto made = dial(args_);
      if (!made) return tl::unexpected(made.error());
      client_.emplace(std::move(*made));
    }
    const auto info = client_->call("info", nullptr, kAskFor);
    if (!info) return problem(info.error());
    const auto list = client_->call("list", json::object{{"details", true}}, kAskFor);
    if (!list) return problem(list.error());
    view.headline = headline(*info);
    view.rows = database_rows(*list);
    sort_by_lag(view.rows);
    return {};
  }

  static std::string headline(const json::value& info) {
    const auto member = [&](std::string_view name) -> std::string {
      const json::value* value = info.is_object() ? info.get_object().if_contains(name) : nullptr;
      if (value == nullptr) return "?";
      if (value->is_string()) return printable(value->get_string());
      return pretty(*value).substr(0, pretty(*value).find('\n'));
    };
    return "litestreamd " + member("version") + "  pid " + member("pid") + "  " + member("databases") + " databases, " +
           member("open_databases") + " open  since " + member("started_at");
  }

  const cli::Arguments& args_;
  std::optional<control::Client> client_;
};

std::string joined(const std::vector<std::string>& lines) {
  std::string text;
  for (const std::string& line : lines) text += line + "\n";
  return text;
}

Outcome run_live(Feed& feed, TopView& view, milliseconds interval) {
  const Interrupt interrupt;
  Screen screen;
  const replica::SystemClock clock;
  do {
    if (!screen.show(top_lines(view, screen.size(), clock.now())))
      return problem(replica::Error{replica::Errc::io, "cannot write to the terminal"});
    if (screen.wait(interval, interrupt.token())) return {};
    (void)feed.refresh(view);  // trouble is shown, and may pass
  } while (true);
}

Outcome run_top(const cli::Arguments& args) {
  if (!args.positional().empty()) return misuse("too many arguments");
  milliseconds interval{1'000};
  if (args.has("interval")) {
    const auto given = cli::parse_seconds(args.value("interval"));
    if (!given) return misuse("invalid -interval: " + args.value("interval"));
    interval = *given;
  }
  Feed feed(args);
  TopView view;
  if (auto first = feed.refresh(view); !first) return first;
  if (Screen::is_available()) return run_live(feed, view, interval);
  return printed(joined(top_lines(view, room_for(view), replica::SystemClock().now())));
}

}  // namespace

Verb top_verb() {
  return {"top", "", "Show all databases live, the longest lag first: q or Ctrl-C ends. Without a terminal, once.",
          with_connection_flags({{"interval", "SECONDS", "time between two looks", "1"}}), run_top};
}

}  // namespace litestreamctl
