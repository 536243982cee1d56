// Completion scripts for shells, made from the verbs: pure.
#pragma once

#include <span>
#include <string>

#include "verb.hpp"

namespace litestreamctl {

std::string bash_completion(std::span<const Verb> verbs);
std::string zsh_completion(std::span<const Verb> verbs);
std::string fish_completion(std::span<const Verb> verbs);

// What stands where an argument of the verb goes.
enum class ArgumentKind { none, files, databases, methods, shells };
ArgumentKind argument_kind(const Verb& verb);

// "list all databases managed by the daemon": the first clause of the summary, for one line.
std::string brief(const Verb& verb);

// "start stop sync": names of the methods of the control protocol, and of the shells.
std::string method_words();
inline constexpr const char* kShellWords = "bash zsh fish";

}  // namespace litestreamctl
