// `litestreamctl completion SHELL`, and what those scripts ask back: `completion paths`.
#include "completion.hpp"
#include "connect.hpp"
#include "control_call.hpp"

namespace litestreamctl {

namespace {

// One path a line. Those with a line end in them are left out: no shell would get them right.
Outcome print_paths(const cli::Arguments& args) {
  auto client = dial(args);
  if (!client) return tl::unexpected(client.error());
  const auto list = client->call("list");
  if (!list) return problem(list.error());
  if (!list->is_array()) return {};
  std::string text;
  for (const boost::json::value& entry : list->get_array()) {
    const auto* path = entry.is_object() ? entry.get_object().if_contains("path") : nullptr;
    if (path == nullptr || !path->is_string()) continue;
    const std::string name(path->get_string());
    if (name.find('\n') == std::string::npos) text += name + "\n";
  }
  return printed(text);
}

Outcome run_completion(const cli::Arguments& args) {
  const auto& words = args.positional();
  if (words.size() != 1) return misuse("shell required: bash, zsh or fish", "litestreamctl completion bash");
  const std::vector<Verb> verbs = all_verbs();
  if (words[0] == "bash") return printed(bash_completion(verbs));
  if (words[0] == "zsh") return printed(zsh_completion(verbs));
  if (words[0] == "fish") return printed(fish_completion(verbs));
  if (words[0] == "paths") return print_paths(args);
  return misuse("unknown shell " + words[0] + ": bash, zsh or fish");
}

}  // namespace

Verb completion_verb() {
  return {"completion", "SHELL",
          "Print the completion script for bash, zsh or fish: source it, or install it where the shell looks.",
          with_connection_flags({}),  // for `completion paths`, which prints what the scripts offer as databases
          run_completion};
}

}  // namespace litestreamctl
