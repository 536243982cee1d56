#include <algorithm>
#include <exception>
#include <iostream>

#include "output.hpp"
#include "peer/peer.hpp"
#include "verb.hpp"

namespace {

using namespace litestreamctl;

std::string overview(const std::vector<Verb>& verbs) {
  std::string text = "Usage: litestreamctl COMMAND [OPTIONS] [ARGUMENTS]\n\nCommands:\n";
  for (const Verb& verb : verbs) {
    std::string line = "  " + verb.name;
    line.resize(18, ' ');
    text += line + verb.summary.substr(0, verb.summary.find_first_of(":.")) + ".\n";
  }
  return text + "\nlitestreamctl COMMAND -help tells more.\n";
}

int report(const Problem& problem) {
  std::cerr << "Error: " << problem.message << "\n";
  if (problem.hint.starts_with("Try: ")) {
    std::cerr << problem.hint << "\n";
  } else if (!problem.hint.empty()) {
    std::cerr << "Hint: " << problem.hint << "\n";
  }
  return problem.status;
}

int show(const std::string& text) { return print(text) ? EXIT_SUCCESS : EXIT_FAILURE; }

int run_verb(const Verb& verb, std::span<const std::string> words) {
  const std::string name = "litestreamctl " + verb.name;
  const auto args = cli::parse(verb.flags, words);
  if (!args) return report({args.error().message, "Try: " + name + " -help", kUsageError});
  if (args->wants_help()) return show(cli::help({name, verb.arguments, verb.summary, verb.flags}));
  const Outcome outcome = verb.run(*args);
  return outcome ? EXIT_SUCCESS : report(outcome.error());
}

int run(std::span<const std::string> words) {
  const std::vector<Verb> verbs = all_verbs();
  if (words.empty()) {
    std::cerr << overview(verbs);
    return kUsageError;
  }
  const std::string& word = words.front();
  if (word == "help" || word == "-h" || word == "-help" || word == "--help") return show(overview(verbs));
  const auto verb = std::find_if(verbs.begin(), verbs.end(), [&](const Verb& v) { return v.name == word; });
  if (verb == verbs.end())
    return report({"litestreamctl " + word + ": unknown command", "Try: litestreamctl help", kUsageError});
  return run_verb(*verb, words.subspan(1));
}

}  // namespace

int main(int argc, char** argv) {
  try {
    const std::vector<std::string> words(argv + 1, argv + argc);
    return peer::is_peer_name(argv[0]) ? peer::run(words) : run(words);
  } catch (const std::exception& e) {
    std::cerr << "Error: internal error: " << e.what() << "\n";
    return EXIT_FAILURE;
  }
}
