#include "backend/s3/credentials.hpp"

#include "backend/s3/profile.hpp"

namespace replica::s3 {
namespace {

constexpr std::chrono::minutes kEarly{5};  // before they expire

constexpr CredentialSource kSources[] = {from_environment,  from_profile,   from_process,
                                         from_web_identity, from_container, from_instance};

bool same(const Credentials& a, const Credentials& b) {
  return a.access_key_id == b.access_key_id && a.secret_access_key == b.secret_access_key &&
         a.session_token == b.session_token;
}

}  // namespace

Result<std::optional<TemporaryCredentials>> from_environment(const Surroundings& around, const Call&) {
  Credentials keys{.access_key_id = around.variable("AWS_ACCESS_KEY_ID"),
                   .secret_access_key = around.variable("AWS_SECRET_ACCESS_KEY"),
                   .session_token = around.variable("AWS_SESSION_TOKEN")};
  // The peer copies its own names to those that are not set.
  if (keys.access_key_id.empty()) keys.access_key_id = around.variable("LITESTREAM_ACCESS_KEY_ID");
  if (keys.secret_access_key.empty()) keys.secret_access_key = around.variable("LITESTREAM_SECRET_ACCESS_KEY");
  if (keys.access_key_id.empty() || keys.secret_access_key.empty()) return std::nullopt;
  return TemporaryCredentials{.keys = std::move(keys)};
}

Result<std::optional<TemporaryCredentials>> from_profile(const Surroundings& around, const Call&) {
  auto profile = load_profile(around.environment);
  if (!profile) return pass(profile);
  if (profile->keys.access_key_id.empty() || profile->keys.secret_access_key.empty()) return std::nullopt;
  return TemporaryCredentials{.keys = std::move(profile->keys)};
}

CredentialCache::CredentialCache(std::optional<Credentials> given, Surroundings around,
                                 std::span<const CredentialSource> sources, Error none)
    : given_(std::move(given)), around_(std::move(around)), sources_(sources), none_(std::move(none)) {}

CredentialCache::CredentialCache(std::optional<Credentials> given, Surroundings around)
    : CredentialCache(
          std::move(given), std::move(around), kSources,
          {.code = Errc::permission_denied,
           .message = "no credentials for the S3 store found",
           .hint = "set access-key-id and secret-access-key, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"}) {}

bool CredentialCache::is_fresh() const {
  return kept_ && (!kept_->expires_at || around_.clock.now() + kEarly < *kept_->expires_at);
}

Result<Credentials> CredentialCache::get(const Call& call) {
  if (given_) return *given_;
  const std::scoped_lock lock(mutex_);
  if (is_fresh()) return kept_->keys;
  // What is still good for a few minutes is used while its source is out of reach.
  const bool still_good = kept_ && kept_->expires_at && around_.clock.now() < *kept_->expires_at;
  for (const CredentialSource source : sources_) {
    auto found = source(around_, call);
    if (!found && still_good) return kept_->keys;
    if (!found) return pass(found, "find credentials");
    if (!*found) continue;
    kept_ = std::move(**found);
    return kept_->keys;
  }
  if (still_good) return kept_->keys;
  return Failure(none_);
}

void CredentialCache::forget(const Credentials& refused) {
  const std::scoped_lock lock(mutex_);
  if (kept_ && same(kept_->keys, refused)) kept_.reset();
}

}  // namespace replica::s3
