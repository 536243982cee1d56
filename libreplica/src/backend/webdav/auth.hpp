// Who we are, as HTTP asks it: basic (RFC 7617) and digest (RFC 7616) authentication. libcurl could do both, but would
// send each request twice, and large bodies for nothing.
#pragma once

#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "http/message.hpp"

namespace replica::webdav {

struct Challenge {
  enum class Scheme { basic, digest };
  Scheme scheme = Scheme::basic;
  std::string realm, nonce, opaque, algorithm;  // the algorithm as the server writes it; empty = MD5
  bool has_qop = false, is_stale = false;
};
// The best that a 401 offers and we know: digest with SHA-256, with MD5, basic.
std::optional<Challenge> choose_challenge(const http::Response& refused);

struct DigestUse {
  std::string_view method, uri, cnonce;
  unsigned count = 1;  // how often the nonce was used, this time included
};
std::string digest_header(const Challenge& challenge, std::string_view user, std::string_view password,
                          const DigestUse& use);

// Safe from any thread.
class Authenticator {
 public:
  Authenticator(std::string user, std::string password) : user_(std::move(user)), password_(std::move(password)) {}

  bool has_user() const noexcept { return !user_.empty(); }
  bool knows_how() const;
  // The value of Authorization; nullopt without a user or before the server has said how.
  std::optional<std::string> header(std::string_view method, std::string_view uri);
  // Takes what a 401 says. False when sending again would not help: `sent` is what was refused.
  bool learn(const http::Response& refused, const std::optional<std::string>& sent);

 private:
  const std::string user_, password_;
  mutable std::mutex mutex_;
  std::optional<Challenge> challenge_;  // guarded by mutex_
  unsigned count_ = 0;                  // guarded by mutex_: uses of its nonce
};

}  // namespace replica::webdav
