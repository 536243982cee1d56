// Where the keys come from, and how long they are good.
#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <vector>

#include "backend/s3/sigv4.hpp"
#include "backend/surroundings.hpp"
#include "http/client.hpp"
#include "replica/backends/s3.hpp"

namespace replica::s3 {

struct TemporaryCredentials {
  Credentials keys;
  std::optional<Timestamp> expires_at{};
};

using backend::Environment;

// What a source may use.
struct Surroundings {
  Environment environment;  // never empty
  std::shared_ptr<http::Client> http;
  const Clock& clock;
  std::string region;

  std::string variable(std::string_view name) const { return environment(name).value_or(std::string()); }
};

// One way to get credentials: nullopt when it is not set up here, an error when it is and does not work.
using CredentialSource = Result<std::optional<TemporaryCredentials>> (*)(const Surroundings&, const Call&);

Result<std::optional<TemporaryCredentials>> from_environment(const Surroundings& around, const Call& call);
Result<std::optional<TemporaryCredentials>> from_profile(const Surroundings& around, const Call& call);
// remote_credentials.cpp
Result<std::optional<TemporaryCredentials>> from_process(const Surroundings& around, const Call& call);
Result<std::optional<TemporaryCredentials>> from_web_identity(const Surroundings& around, const Call& call);
Result<std::optional<TemporaryCredentials>> from_container(const Surroundings& around, const Call& call);
Result<std::optional<TemporaryCredentials>> from_instance(const Surroundings& around, const Call& call);

// Asks the sources in turn and keeps what the first gives until it is about to expire. Safe from any thread; one that
// fetches keeps the others waiting.
class CredentialCache {
 public:
  // With keys given no source is asked. `sources` must outlive it; `none` is the error when none of them has any.
  CredentialCache(std::optional<Credentials> given, Surroundings around, std::span<const CredentialSource> sources,
                  Error none);
  // With the sources of S3.
  CredentialCache(std::optional<Credentials> given, Surroundings around);

  Result<Credentials> get(const Call& call);
  // `refused` is not taken again: the next get() asks the sources, unless another thread has already.
  void forget(const Credentials& refused);
  bool can_change() const noexcept { return !given_; }

 private:
  bool is_fresh() const;

  const std::optional<Credentials> given_;
  const Surroundings around_;
  const std::span<const CredentialSource> sources_;
  const Error none_;
  std::mutex mutex_;
  std::optional<TemporaryCredentials> kept_;  // guarded by mutex_
};

}  // namespace replica::s3
