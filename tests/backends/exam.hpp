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

// `but`: the name of a case that the server itself does not pass.
inline void sit_exam(replica::Backend& backend, std::string_view but = {}) {
  for (const auto& one : replica::conformance_cases()) {
    if (one.name == but) continue;
    INFO(one.name);
    CHECK(error_of(one.run(backend, "exam/some prefix", {})) == "none");
  }
}

inline std::vector<std::byte> some_bytes(std::size_t size) {
  std::vector<std::byte> data(size);
  std::uint32_t state = 1;
  for (std::byte& byte : data) byte = static_cast<std::byte>((state = state * 1'664'525 + 1'013'904'223) >> 24U);
  return data;
}

inline std::string put_error(replica::Backend& backend, const std::string& key, const std::vector<std::byte>& data,
                             const replica::Call& call = {}) {
  replica::MemorySource body(data);
  return error_of(backend.put(key, body, {}, call));
}

}  // namespace servers
