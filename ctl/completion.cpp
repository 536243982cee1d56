#include "completion.hpp"

#include <algorithm>

#include "control/methods.hpp"

namespace litestreamctl {

namespace {

bool has_flag(const Verb& verb, std::string_view name) {
  return std::any_of(verb.flags.begin(), verb.flags.end(), [&](const cli::Flag& f) { return f.name == name; });
}

// "-config -socket"
template <class Pick>
std::string flag_words(const Verb& verb, Pick pick) {
  std::string words;
  for (const cli::Flag& flag : verb.flags)
    if (pick(flag)) words += (words.empty() ? "-" : " -") + std::string(flag.name);
  return words;
}

bool any(const cli::Flag&) { return true; }
bool takes_file(const cli::Flag& flag) { return flag.value == "PATH"; }
bool takes_other(const cli::Flag& flag) { return !flag.value.empty() && !takes_file(flag); }

const char* kind_word(ArgumentKind kind) {
  switch (kind) {
    case ArgumentKind::files:
      return "files";
    case ArgumentKind::databases:
      return "databases";
    case ArgumentKind::methods:
      return "methods";
    case ArgumentKind::shells:
      return "shells";
    case ArgumentKind::none:
      return "none";
  }
  return "none";
}

// Everything below the table of verbs. A socket's address may hold a colon, which ends words in COMP_WORDS: it is taken
// from the whole line. Answers are split at line ends, for paths have blanks.
constexpr const char* kBashBody = R"SH(  prev=${prev/#--/-}
  if [[ " $files " == *" $prev "* ]]; then
    kind=files
  elif [[ " $others " == *" $prev "* ]]; then
    return
  elif [[ $cur == -* ]]; then
    COMPREPLY=($(compgen -W "$flags -help" -- "${cur/#--/-}"))
    return
  fi
  case $kind in
    files)
      IFS=$'\n'
      COMPREPLY=($(compgen -f -- "$cur"))
      compopt -o filenames 2>/dev/null ;;
    databases)
      if [[ $COMP_LINE =~ [[:space:]]--?socket[=[:space:]]+([^[:space:]]+) ]]; then
        IFS=$'\n'
        COMPREPLY=($(compgen -W "$("$1" completion paths -socket "${BASH_REMATCH[1]}" 2>/dev/null)" -- "$cur"))
        compopt -o filenames 2>/dev/null
      fi ;;
    methods) COMPREPLY=($(compgen -W "$methods" -- "$cur")) ;;
    shells) COMPREPLY=($(compgen -W "$shells" -- "$cur")) ;;
  esac
}
complete -F _litestreamctl litestreamctl
)SH";

// In single quotes of a shell.
std::string quoted(std::string_view text) {
  std::string out = "'";
  for (const char c : text) out += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return out + "'";
}

// Colons and brackets mean something to zsh's _arguments and _describe.
std::string zsh_text(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == ':' || c == '[' || c == ']' || c == '\\') out += '\\';
    out += c;
  }
  return out;
}

std::string zsh_argument(const Verb& verb) {
  switch (argument_kind(verb)) {
    case ArgumentKind::files:
      return " '*:path:_files'";
    case ArgumentKind::databases:
      return " '*:database:_litestreamctl_databases'";
    case ArgumentKind::methods:
      return " '1:method:(" + method_words() + ")'";
    case ArgumentKind::shells:
      return " '1:shell:(" + std::string(kShellWords) + ")'";
    case ArgumentKind::none:
      return "";
  }
  return "";
}

std::string zsh_case(const Verb& verb) {
  std::string text = "    " + verb.name + ")\n      _arguments '-help[show help]'";
  for (const cli::Flag& flag : verb.flags) {
    std::string spec = "-" + std::string(flag.name) + "[" + zsh_text(flag.doc) + "]";
    if (takes_file(flag)) spec += ":path:_files";
    if (takes_other(flag)) spec += ":" + zsh_text(flag.value) + ": ";
    text += " \\\n        " + quoted(spec);
  }
  return text + zsh_argument(verb) + " ;;\n";
}

constexpr const char* kZshHead = R"SH(#compdef litestreamctl
# zsh completion for litestreamctl, made by `litestreamctl completion zsh`
_litestreamctl_databases() {
  local at=${words[(I)-(|-)socket]}
  local -a databases
  (( at )) || return 1
  databases=("${(@f)$(litestreamctl completion paths -socket "${words[at+1]}" 2>/dev/null)}")
  compadd -a databases
}
_litestreamctl() {
  local -a verbs
  verbs=(
)SH";

constexpr const char* kZshTail = R"SH(  esac
}
# Autoloaded, or sourced.
if [[ $funcstack[1] == _litestreamctl ]]; then _litestreamctl "$@"; else compdef _litestreamctl litestreamctl; fi
)SH";

constexpr const char* kFishHead = R"SH(# fish completion for litestreamctl, made by `litestreamctl completion fish`
function __litestreamctl_databases
  set -l words (commandline -opc)
  set -l at (contains -i -- -socket $words; or contains -i -- --socket $words); or return
  $words[1] completion paths -socket $words[(math $at + 1)] 2>/dev/null
end
complete -c litestreamctl -f
)SH";

std::string fish_argument(const Verb& verb) {
  switch (argument_kind(verb)) {
    case ArgumentKind::files:
      return " -F";
    case ArgumentKind::databases:
      return " -a '(__litestreamctl_databases)'";
    case ArgumentKind::methods:
      return " -a " + quoted(method_words());
    case ArgumentKind::shells:
      return " -a " + quoted(kShellWords);
    case ArgumentKind::none:
      return "";
  }
  return "";
}

}  // namespace

ArgumentKind argument_kind(const Verb& verb) {
  if (verb.arguments.empty()) return ArgumentKind::none;
  if (verb.name == "rpc") return ArgumentKind::methods;
  if (verb.name == "completion") return ArgumentKind::shells;
  if (!verb.arguments.starts_with("DB_PATH")) return ArgumentKind::none;
  return has_flag(verb, "socket") ? ArgumentKind::databases : ArgumentKind::files;
}

std::string brief(const Verb& verb) { return verb.summary.substr(0, verb.summary.find_first_of(":.")); }

std::string method_words() {
  std::string words;
  for (const control::Method& method : control::methods())
    words += (words.empty() ? "" : " ") + std::string(method.name);
  return words;
}

std::string bash_completion(std::span<const Verb> verbs) {
  std::string names, cases;
  for (const Verb& verb : verbs) {
    names += verb.name + " ";
    cases += "    " + verb.name + ")\n      flags=" + quoted(flag_words(verb, any)) +
             "\n      files=" + quoted(flag_words(verb, takes_file)) +
             " others=" + quoted(flag_words(verb, takes_other)) + " kind=" + kind_word(argument_kind(verb)) + " ;;\n";
  }
  return std::string("# bash completion for litestreamctl, made by `litestreamctl completion bash`\n") +
         "_litestreamctl() {\n"
         "  local IFS=$' \\t\\n' cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]}\n"
         "  local flags= files= others= kind=none\n"
         "  local methods=" +
         quoted(method_words()) + " shells=" + quoted(kShellWords) +
         "\n  COMPREPLY=()\n"
         "  if ((COMP_CWORD == 1)); then\n"
         "    COMPREPLY=($(compgen -W " +
         quoted(names + "help") +
         " -- \"$cur\"))\n"
         "    return\n"
         "  fi\n"
         "  case ${COMP_WORDS[1]} in\n" +
         cases + "  esac\n" + kBashBody;
}

std::string zsh_completion(std::span<const Verb> verbs) {
  std::string names, cases;
  for (const Verb& verb : verbs) {
    names += "    " + quoted(zsh_text(verb.name) + ":" + brief(verb)) + "\n";
    cases += zsh_case(verb);
  }
  return kZshHead + names +
         "  )\n"
         "  if (( CURRENT == 2 )); then\n"
         "    _describe command verbs\n"
         "    return\n"
         "  fi\n"
         "  local verb=$words[2]\n"
         "  shift words\n"
         "  (( CURRENT-- ))\n"
         "  case $verb in\n" +
         cases + kZshTail;
}

std::string fish_completion(std::span<const Verb> verbs) {
  std::string text = kFishHead;
  for (const Verb& verb : verbs)
    text += "complete -c litestreamctl -n __fish_use_subcommand -a " + quoted(verb.name) + " -d " +
            quoted(brief(verb)) + "\n";
  for (const Verb& verb : verbs) {
    const std::string here = "complete -c litestreamctl -n '__fish_seen_subcommand_from " + verb.name + "'";
    for (const cli::Flag& flag : verb.flags) {
      const char* value = takes_file(flag) ? " -r -F" : takes_other(flag) ? " -x" : "";
      text += here + " -o " + std::string(flag.name) + value + " -d " + quoted(flag.doc) + "\n";
    }
    if (const std::string argument = fish_argument(verb); !argument.empty()) text += here + argument + "\n";
  }
  return text;
}

}  // namespace litestreamctl
