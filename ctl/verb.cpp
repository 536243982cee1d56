#include "verb.hpp"

#include "output.hpp"
#include "watch_verb.hpp"

namespace litestreamctl {

tl::unexpected<Problem> problem(const replica::Error& error) {
  return tl::unexpected(Problem{error.message, error.hint});
}

tl::unexpected<Problem> problem(const control::Error& error) {
  return tl::unexpected(Problem{error.message, error.hint});
}

tl::unexpected<Problem> misuse(std::string message, const std::string& example) {
  return tl::unexpected(Problem{std::move(message), example.empty() ? "" : "Try: " + example, kUsageError});
}

Outcome printed(const std::string& text) {
  if (!print(text)) return problem(replica::Error{replica::Errc::io, "cannot write the result"});
  return {};
}

std::vector<Verb> all_verbs() {
  std::vector<Verb> verbs = control_verbs();
  for (Verb (*make)() : {rpc_verb, top_verb, watch_verb, restore_verb, ltx_verb, databases_verb, check_backend_verb,
                         bench_verb, reset_verb, version_verb, completion_verb, manual_verb})
    verbs.push_back(make());
  return verbs;
}

}  // namespace litestreamctl
