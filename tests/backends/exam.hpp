// The exam of replica/conformance.hpp as checks.
#pragma once

#include "replica/conformance.hpp"
#include "support/catch.hpp"

namespace servers {

template <class T>
std::string error_of(const replica::Result<T>& result) {
  if (result) return "none";
  return std::string(replica::name(result.error().code)) + ": " + result.error().message;
}

inline void sit_exam(replica::Backend& backend) {
  for (const auto& one : replica::conformance_cases()) {
    INFO(one.name);
    CHECK(error_of(one.run(backend, "exam/some prefix", {})) == "none");
  }
}

}  // namespace servers
