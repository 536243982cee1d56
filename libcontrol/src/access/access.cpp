#include "control/access.hpp"

#include <unistd.h>

#include <algorithm>
#include <map>
#include <mutex>

#include "access/tokens.hpp"

namespace control {
namespace {

using Clock = std::chrono::steady_clock;

// Holds what may still be done; filled at the rate, up to one second's worth.
struct Bucket {
  double left = 0;
  Clock::time_point filled{};
};

bool holds(const PeerRule& rule, const PeerProcess& process) {
  const bool uid_fits = !rule.uid || *rule.uid == process.uid;
  const bool gid_fits =
      !rule.gid || std::find(process.gids.begin(), process.gids.end(), *rule.gid) != process.gids.end();
  return uid_fits && gid_fits;
}

}  // namespace

struct Access::Impl {
  AccessOptions options;
  PrincipalPtr anonymous = std::make_shared<const Principal>(Principal{.name = "anonymous"});
  mutable std::mutex mutex;  // guards what follows
  std::shared_ptr<const TokenStore> tokens;
  std::map<std::string, Bucket> buckets{};  // by name of the principal

  std::shared_ptr<const TokenStore> current() const {
    const std::lock_guard lock(mutex);
    return tokens;
  }
  PrincipalPtr by_certificate(const std::vector<std::string>& names) const;
};

PrincipalPtr Access::Impl::by_certificate(const std::vector<std::string>& names) const {
  for (const CertificateRule& rule : options.certificates) {
    if (std::find(names.begin(), names.end(), rule.name) == names.end()) continue;
    return std::make_shared<const Principal>(
        Principal{.name = "certificate " + rule.name, .role = rule.role, .databases = rule.databases});
  }
  return nullptr;
}

Access::Access(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Access::~Access() = default;

Result<std::shared_ptr<Access>> Access::open(AccessOptions options) {
  Result<TokenStore> tokens = TokenStore::read(options);
  if (!tokens) return fail(std::move(tokens.error()));
  auto impl = std::make_unique<Impl>();
  impl->options = std::move(options);
  impl->tokens = std::make_shared<const TokenStore>(std::move(*tokens));
  return std::shared_ptr<Access>(new Access(std::move(impl)));
}

Result<void> Access::reload() {
  Result<TokenStore> tokens = TokenStore::read(impl_->options);
  if (!tokens) return fail(std::move(tokens.error()));
  auto fresh = std::make_shared<const TokenStore>(std::move(*tokens));
  const std::lock_guard lock(impl_->mutex);
  impl_->tokens = std::move(fresh);
  return {};
}

std::vector<std::string> Access::warnings() const { return impl_->current()->warnings; }

bool Access::asks_for_credentials() const {
  return !impl_->options.tokens.empty() || !impl_->options.certificates.empty();
}

Result<PrincipalPtr> Access::peer(const PeerProcess& process) const {
  Principal principal{.name = "uid " + std::to_string(process.uid), .pid = process.pid};
  const bool is_own = process.uid == 0 || process.uid == ::geteuid();
  if (is_own || impl_->options.peers.empty()) return std::make_shared<const Principal>(std::move(principal));
  const auto rule = std::find_if(impl_->options.peers.begin(), impl_->options.peers.end(),
                                 [&](const PeerRule& each) { return holds(each, process); });
  if (rule == impl_->options.peers.end()) {
    return fail(forbidden(principal.name, "the daemon's configuration names who may use this socket"));
  }
  principal.role = rule->role;
  principal.databases = rule->databases;
  return std::make_shared<const Principal>(std::move(principal));
}

Result<PrincipalPtr> Access::remote(const Credentials& credentials) const {
  if (PrincipalPtr caller = impl_->by_certificate(credentials.certificate_names)) return caller;
  if (asks_for_credentials()) {
    const auto token = credentials.authorization ? bearer_token(*credentials.authorization) : std::nullopt;
    if (!token) return fail(unauthenticated("send a token: Authorization: Bearer TOKEN"));
    if (PrincipalPtr caller = impl_->current()->find(*token)) return caller;
    return fail(unauthenticated("the token is not known here"));
  }
  if (credentials.loopback || impl_->options.insecure) return impl_->anonymous;
  return fail(forbidden("control calls on an address of the network without credentials",
                        "configure control.tokens or control.tls.client-ca, or control.insecure: true"));
}

std::optional<std::chrono::milliseconds> Access::spend(const Principal& principal, std::size_t calls,
                                                       Clock::time_point now) {
  const double rate = impl_->options.rate;
  if (rate <= 0) return std::nullopt;
  const double capacity = std::max(rate, 1.0);
  const double cost = std::min(static_cast<double>(calls), capacity);  // else it could never be paid
  const std::lock_guard lock(impl_->mutex);
  const auto [at, is_new] = impl_->buckets.try_emplace(principal.name, Bucket{.left = capacity, .filled = now});
  Bucket& bucket = at->second;
  bucket.left = std::min(capacity, bucket.left + rate * std::chrono::duration<double>(now - bucket.filled).count());
  bucket.filled = now;
  if (bucket.left >= cost) {
    bucket.left -= cost;
    return std::nullopt;
  }
  return std::chrono::ceil<std::chrono::milliseconds>(std::chrono::duration<double>((cost - bucket.left) / rate));
}

}  // namespace control
