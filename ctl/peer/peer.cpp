#include "peer/peer.hpp"

#include <algorithm>
#include <iostream>

#include "output.hpp"
#include "peer/command.hpp"

namespace litestreamctl::peer {
namespace {

std::vector<Command> all_commands() {
  std::vector<Command> commands = control_commands();
  for (Command (*make)() : {databases_command, ltx_command, replicate_command, reset_command, restore_command,
                            status_command, version_command, wal_command})
    commands.push_back(make());
  std::sort(commands.begin(), commands.end(), [](const Command& a, const Command& b) { return a.name < b.name; });
  return commands;
}

std::string overview(const std::vector<Command>& commands) {
  std::string text = "Usage:\n\n\tlitestream <command> [arguments]\n\nThe commands are:\n\n";
  for (const Command& command : commands) {
    if (command.name == "wal") continue;  // works, but is not advertised
    std::string line = "\t" + std::string(command.name);
    line.resize(14, ' ');
    text += line + std::string(command.summary) + "\n";
  }
  return text + "\n";
}

int fail(const std::string& message, const std::string& hint = {}) {
  std::cerr << "Error: " << message << "\n";
  if (hint.starts_with("Try: ")) std::cerr << hint << "\n";
  return EXIT_FAILURE;
}

int show(const std::string& text, int status) { return print(text) ? status : EXIT_FAILURE; }

int run_command(const Command& command, std::span<const std::string> words) {
  const auto args = parse(command.flags, words);
  if (!args) {
    std::cerr << args.error() << "\n";
    print(usage(command));
    return fail(args.error());
  }
  if (args->wants_help()) return show(usage(command), EXIT_SUCCESS);
  const Outcome outcome = command.run(*args);
  return outcome ? EXIT_SUCCESS : fail(outcome.error().message, outcome.error().hint);
}

bool asks_for_help(std::string_view word) { return word == "-h" || word == "-help" || word == "--help"; }

}  // namespace

bool is_peer_name(std::string_view program) {
  const std::size_t slash = program.rfind('/');
  return program.substr(slash == std::string_view::npos ? 0 : slash + 1) == "litestream";
}

int run(std::span<const std::string> words) {
  const std::vector<Command> commands = all_commands();
  if (words.empty()) return show(overview(commands), EXIT_FAILURE);
  const std::string& word = words.front();
  if (word == "help" || asks_for_help(word)) return show(overview(commands), EXIT_SUCCESS);
  const auto command = std::find_if(commands.begin(), commands.end(), [&](const Command& c) { return c.name == word; });
  if (command != commands.end()) return run_command(*command, words.subspan(1));
  if (word.starts_with('-')) return show(overview(commands), EXIT_FAILURE);
  return fail("litestream " + word + ": unknown command");
}

}  // namespace litestreamctl::peer
