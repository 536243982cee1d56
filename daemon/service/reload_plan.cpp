#include "service/reload_plan.hpp"

#include <algorithm>

namespace litestreamd {

std::vector<std::string> places_of(const config::DatabaseSettings& settings) {
  std::vector<std::string> places;
  for (const config::ReplicaSettings* one : settings.all_replicas()) places.push_back(one->location);
  return places;
}

std::vector<std::string> leaving_places(std::vector<std::string> before, const config::DatabaseSettings& next) {
  if (!next.starts_by_itself()) return before;
  const auto kept = places_of(next);
  std::erase_if(before, [&](const std::string& url) { return std::find(kept.begin(), kept.end(), url) != kept.end(); });
  return before;
}

void order_steps(std::vector<ReloadStep>& steps) {
  for (ReloadStep& step : steps) {
    if (step.settings == nullptr) continue;
    const auto wanted = places_of(*step.settings);
    const auto has_one = [&](const ReloadStep& other) {
      return other.path != step.path && std::find_first_of(wanted.begin(), wanted.end(), other.leaving.begin(),
                                                           other.leaving.end()) != wanted.end();
    };
    step.waits = std::any_of(steps.begin(), steps.end(), has_one);
  }
}

}  // namespace litestreamd
