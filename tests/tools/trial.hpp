// One seeded trial of the oracle: writers at work, a subject following them, restores compared with the source.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "subject.hpp"

namespace tools {

struct TrialOptions {
  std::uint64_t seed = 0;
  double seconds = 1.0;
  std::string directory;  // exists, empty
  std::function<std::unique_ptr<Subject>(const SubjectSettings&)> make_subject;
  std::string peer{};  // binary whose restore must give the same bytes; empty = not compared
};

struct TrialResult {
  std::string wrong{};  // empty = no difference
  std::map<std::string, std::int64_t> counters{};
};

TrialResult run_trial(const TrialOptions& options);

}  // namespace tools
