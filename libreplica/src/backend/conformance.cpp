#include "replica/conformance.hpp"

#include <array>
#include <utility>

#include "backend/exam.hpp"
#include "base/text.hpp"

namespace replica {
namespace {

struct Named {
  std::string_view name;
  exam::Case run;
};

constexpr Named kNamed[] = {
    {"keys follow the grammar", exam::keys_follow_the_grammar},
    {"other keys are refused", exam::other_keys_are_refused},
    {"missing objects", exam::missing_objects},
    {"objects of any size", exam::objects_of_any_size},
    {"ranges", exam::ranges},
    {"overwriting", exam::overwriting},
    {"a short body leaves nothing", exam::a_short_body_leaves_nothing},
    {"times are kept", exam::times_are_kept},
    {"removing", exam::removing},
    {"listings are in order", exam::listings_are_in_order},
    {"listings by prefix", exam::listings_by_prefix},
    {"listings of many", exam::listings_of_many},
    {"listings end early", exam::listings_end_early},
    {"visitors may use the backend", exam::visitors_may_use_the_backend},
    {"if absent", exam::if_absent},
    {"if absent has one winner", exam::if_absent_has_one_winner},
    {"readers see whole objects", exam::readers_see_whole_objects},
    {"a cancelled put leaves nothing", exam::a_cancelled_put_leaves_nothing},
    {"a stopped call does nothing", exam::a_stopped_call_does_nothing},
    {"a call past its deadline does nothing", exam::a_call_past_its_deadline_does_nothing},
};

// Each case has a folder of its own: a store may keep a folder when the last object in it is gone, and then refuse an
// object of that name. Clears up also after a failure; its own is only worth telling when the case had none.
template <std::size_t kIndex>
Result<void> run(Backend& backend, std::string_view prefix, const Call& call) {
  const exam::Exam exam(backend, base::concat(prefix, "/", kIndex), call);
  auto result = kNamed[kIndex].run(exam);
  auto cleared = exam.clear();
  return result ? cleared : result;
}

template <std::size_t... kIndex>
constexpr std::array<ConformanceCase, sizeof...(kIndex)> all(std::index_sequence<kIndex...>) {
  return {{{kNamed[kIndex].name, run<kIndex>}...}};
}

constexpr auto kCases = all(std::make_index_sequence<std::size(kNamed)>());

}  // namespace

std::span<const ConformanceCase> conformance_cases() noexcept { return kCases; }

}  // namespace replica
