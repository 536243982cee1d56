#include <algorithm>

#include "backend/sftp/session.hpp"
#include "base/text.hpp"

namespace replica::backend::sftp {
namespace {

constexpr std::string_view kFingerprint = "SHA256:";

struct FreeKey {
  void operator()(ssh_key key) const { ::ssh_key_free(key); }
};
using Key = std::unique_ptr<ssh_key_struct, FreeKey>;

// "ssh-ed25519 AAAA… comment" → the first two words.
struct Words {
  std::string type, base64;
};

Words words_of(std::string_view line) {
  const auto next = [&line] {
    line.remove_prefix(std::min(line.find_first_not_of(" \t\r\n"), line.size()));
    const std::string word(line.substr(0, line.find_first_of(" \t\r\n")));
    line.remove_prefix(word.size());
    return word;
  };
  Words found;
  found.type = next();
  found.base64 = next();
  return found;
}

Result<Key> parse(const std::string& line) {
  const Words words = words_of(line);
  ssh_key key = nullptr;
  const auto type = ::ssh_key_type_from_name(words.type.c_str());
  if (type != SSH_KEYTYPE_UNKNOWN && ::ssh_pki_import_pubkey_base64(words.base64.c_str(), type, &key) == SSH_OK) {
    return Key(key);
  }
  return fail(Errc::invalid_argument, "sftp: the host key in the configuration is no public key",
              "give it as ssh-keyscan prints it, from the type on (ssh-ed25519 AAAA…), or as SHA256:…");
}

std::string fingerprint_of(ssh_key key) {
  unsigned char* hash = nullptr;
  std::size_t size = 0;
  if (::ssh_get_publickey_hash(key, SSH_PUBLICKEY_HASH_SHA256, &hash, &size) != SSH_OK) return {};
  char* text = ::ssh_get_fingerprint_hash(SSH_PUBLICKEY_HASH_SHA256, hash, size);
  std::string out = text == nullptr ? "" : text;
  ::ssh_string_free_char(text);
  ::ssh_clean_pubkey_hash(&hash);
  return out;
}

// "ssh-ed25519 SHA256:…"
std::string shown(ssh_key key) {
  return base::concat(::ssh_key_type_to_char(::ssh_key_type(key)), " ", fingerprint_of(key));
}

Failure refused(const Session& session, std::string_view why, ssh_key key, std::string_view hint) {
  return fail(Errc::permission_denied,
              base::concat("sftp ", session.name(), ": ", why, "; the server shows ", shown(key)), std::string(hint));
}

constexpr std::string_view kChanged =
    "somebody may be in between; when the server really has a new key, write it into the configuration";

Result<void> check_pinned(const Session& session, const std::string& pinned, ssh_key key) {
  bool same = false;
  if (pinned.starts_with(kFingerprint)) {
    same = words_of(pinned).type == fingerprint_of(key);
  } else {
    auto wanted = parse(pinned);
    if (!wanted) return pass(wanted);
    same = ::ssh_key_cmp(wanted->get(), key, SSH_KEY_CMP_PUBLIC) == 0;
  }
  return same ? Result<void>() : refused(session, "the host key is not the configured one", key, kChanged);
}

Result<void> check_known(const Session& session, ssh_key key) {
  switch (::ssh_session_is_known_server(session.raw())) {
    case SSH_KNOWN_HOSTS_OK:
      return {};
    case SSH_KNOWN_HOSTS_CHANGED:
    case SSH_KNOWN_HOSTS_OTHER:
      return refused(session, "the host key is not the one in known_hosts", key,
                     "somebody may be in between; when the server really has a new key, correct known_hosts");
    default:
      return refused(session, "the host is not in known_hosts", key,
                     "check the fingerprint and configure the host key, or add the host to known_hosts");
  }
}

}  // namespace

Result<void> prefer_host_key(ssh_session raw, const SftpBackendOptions& options) {
  if (options.host_key.empty() || options.host_key.starts_with(kFingerprint)) return {};
  if (auto parsed = parse(options.host_key); !parsed) return pass(parsed);
  std::string type = words_of(options.host_key).type;
  if (type == "ssh-rsa") type = "rsa-sha2-512,rsa-sha2-256";  // the key's name; its signatures have others
  if (::ssh_options_set(raw, SSH_OPTIONS_HOSTKEYS, type.c_str()) == SSH_OK) return {};
  return fail(Errc::invalid_argument, base::concat("sftp: host keys of type ", type, " cannot be used"));
}

Result<void> check_host_key(const Session& session, const SftpBackendOptions& options) {
  if (options.host_key.empty() && options.accept_any_host_key) return {};
  ssh_key raw = nullptr;
  if (::ssh_get_server_publickey(session.raw(), &raw) != SSH_OK) {
    return fail(Errc::unavailable, base::concat("sftp ", session.name(), ": the server shows no host key"));
  }
  const Key key(raw);
  return options.host_key.empty() ? check_known(session, key.get())
                                  : check_pinned(session, options.host_key, key.get());
}

}  // namespace replica::backend::sftp
