#include "backend/webdav/auth.hpp"

#include <algorithm>
#include <random>

#include "backend/digest.hpp"
#include "base/text.hpp"

namespace replica::webdav {

using backend::bytes_of;
using backend::hex_of;
using base::concat;

namespace {

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return out;
}

// "Digest realm="x", nonce=y, Basic realm=z": several challenges may stand in one header.
class Parser {
 public:
  struct Found {
    std::string scheme;
    std::vector<std::pair<std::string, std::string>> parameters;
  };
  explicit Parser(std::string_view text) : rest_(text) {}

  std::vector<Found> all() {
    std::vector<Found> out;
    for (;;) {
      skip(" \t,");
      std::string name = lower(take_until(" \t,="));
      if (name.empty()) return out;
      skip(" \t");
      if (!rest_.starts_with('=')) {
        out.push_back({.scheme = std::move(name), .parameters = {}});
        continue;
      }
      skip("= \t");
      std::string value = rest_.starts_with('"') ? quoted() : std::string(take_until(" \t,"));
      if (!out.empty()) out.back().parameters.emplace_back(std::move(name), std::move(value));
    }
  }

 private:
  void skip(std::string_view what) { rest_.remove_prefix(std::min(rest_.find_first_not_of(what), rest_.size())); }
  std::string_view take_until(std::string_view what) {
    const std::string_view out = rest_.substr(0, rest_.find_first_of(what));
    rest_.remove_prefix(out.size());
    return out;
  }
  std::string quoted() {
    std::string out;
    rest_.remove_prefix(1);
    while (!rest_.empty() && rest_.front() != '"') {
      if (rest_.front() == '\\' && rest_.size() > 1) rest_.remove_prefix(1);
      out += rest_.front();
      rest_.remove_prefix(1);
    }
    rest_.remove_prefix(std::min<std::size_t>(1, rest_.size()));
    return out;
  }

  std::string_view rest_;
};

bool is_sha256(const Challenge& challenge) { return lower(challenge.algorithm).starts_with("sha-256"); }

// nullopt for what we do not speak.
std::optional<Challenge> read_challenge(const Parser::Found& found) {
  const auto get = [&](std::string_view name) {
    const auto at = std::find_if(found.parameters.begin(), found.parameters.end(),
                                 [&](const auto& parameter) { return parameter.first == name; });
    return at == found.parameters.end() ? std::string() : at->second;
  };
  Challenge out{.realm = get("realm"), .nonce = {}, .opaque = {}, .algorithm = {}};
  if (found.scheme == "basic") return out;
  if (found.scheme != "digest") return std::nullopt;
  out.scheme = Challenge::Scheme::digest;
  out.nonce = get("nonce");
  out.opaque = get("opaque");
  out.algorithm = get("algorithm");
  out.is_stale = lower(get("stale")) == "true";
  const std::string algorithm = lower(out.algorithm), qop = "," + lower(get("qop")) + ",";
  for (const std::string_view known : {"", "md5", "md5-sess", "sha-256", "sha-256-sess"}) {
    if (algorithm != known || out.nonce.empty()) continue;
    out.has_qop = qop != ",,";
    const bool plain = qop.find(",auth,") != std::string::npos || qop.find(" auth,") != std::string::npos;
    return !out.has_qop || plain ? std::optional(out) : std::nullopt;
  }
  return std::nullopt;
}

int rank(const Challenge& challenge) {
  if (challenge.scheme == Challenge::Scheme::basic) return 0;
  return is_sha256(challenge) ? 2 : 1;
}

std::string quote(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + "\"";
}

std::string random_text() {
  std::random_device random;
  return base::hex((std::uint64_t{random()} << 32U) | random(), 16);
}

}  // namespace

std::optional<Challenge> choose_challenge(const http::Response& refused) {
  std::optional<Challenge> best;
  for (const http::Header& header : refused.headers) {
    if (header.name != "www-authenticate") continue;
    for (const Parser::Found& found : Parser(header.value).all()) {
      auto one = read_challenge(found);
      if (one && (!best || rank(*one) > rank(*best))) best = std::move(one);
    }
  }
  return best;
}

std::string digest_header(const Challenge& challenge, std::string_view user, std::string_view password,
                          const DigestUse& use) {
  const auto hash = [&](const std::string& text) {
    return is_sha256(challenge) ? hex_of(backend::sha256(bytes_of(text))) : hex_of(backend::md5(bytes_of(text)));
  };
  std::string who = hash(concat(user, ":", challenge.realm, ":", password));
  if (lower(challenge.algorithm).ends_with("-sess")) who = hash(concat(who, ":", challenge.nonce, ":", use.cnonce));
  const std::string what = hash(concat(use.method, ":", use.uri));
  const std::string count = base::hex(use.count, 8);
  const std::string middle = challenge.has_qop ? concat(count, ":", use.cnonce, ":auth:") : std::string();
  const std::string response = hash(concat(who, ":", challenge.nonce, ":", middle, what));
  std::string out = concat("Digest username=", quote(user), ", realm=", quote(challenge.realm),
                           ", nonce=", quote(challenge.nonce), ", uri=", quote(use.uri));
  if (!challenge.algorithm.empty()) out += ", algorithm=" + challenge.algorithm;
  if (challenge.has_qop) out += concat(", qop=auth, nc=", count, ", cnonce=", quote(use.cnonce));
  out += ", response=" + quote(response);
  if (!challenge.opaque.empty()) out += ", opaque=" + quote(challenge.opaque);
  return out;
}

bool Authenticator::knows_how() const {
  const std::scoped_lock lock(mutex_);
  return challenge_.has_value();
}

std::optional<std::string> Authenticator::header(std::string_view method, std::string_view uri) {
  const std::scoped_lock lock(mutex_);
  if (!has_user() || !challenge_) return std::nullopt;
  if (challenge_->scheme == Challenge::Scheme::basic)
    return "Basic " + backend::base64_of(bytes_of(concat(user_, ":", password_)));
  const std::string cnonce = random_text();
  return digest_header(*challenge_, user_, password_,
                       {.method = method, .uri = uri, .cnonce = cnonce, .count = ++count_});
}

bool Authenticator::learn(const http::Response& refused, const std::optional<std::string>& sent) {
  auto challenge = choose_challenge(refused);
  if (!challenge || !has_user()) return false;
  const bool stale = challenge->is_stale;
  const bool with_basic = sent && sent->starts_with("Basic");
  const bool is_basic = challenge->scheme == Challenge::Scheme::basic;
  const std::scoped_lock lock(mutex_);
  // Another thread has learnt a newer nonce than the one that was refused.
  const bool outdated = sent && challenge_ && !challenge_->nonce.empty() && !with_basic &&
                        sent->find(challenge_->nonce) == std::string::npos;
  if (outdated && !is_basic) return true;
  if (!challenge_ || challenge_->nonce != challenge->nonce) count_ = 0;
  challenge_ = std::move(challenge);
  // What was refused under the same terms will be refused again.
  return !sent || stale || with_basic != is_basic;
}

}  // namespace replica::webdav
