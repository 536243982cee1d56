#include <functional>

#include "backend/sftp/session.hpp"
#include "base/text.hpp"

namespace replica::backend::sftp {
namespace {

// A server that asks on and on is not one to wait for.
constexpr int kMostQuestions = 10;

struct FreeKey {
  void operator()(ssh_key key) const { ::ssh_key_free(key); }
};
using Key = std::unique_ptr<ssh_key_struct, FreeKey>;

// Never asks at a terminal.
int no_passphrase(const char*, char*, std::size_t, int, int, void*) { return -1; }

Result<Key> read_key(const SftpBackendOptions& options) {
  if (auto there = io::File::open(options.key_path, io::File::Mode::read); !there) {
    return fail(Errc::permission_denied, base::concat("sftp: ", there.error().message),
                "check the path of the key file and who may read it");
  }
  ssh_key key = nullptr;
  const char* passphrase = options.key_passphrase.empty() ? nullptr : options.key_passphrase.c_str();
  if (::ssh_pki_import_privkey_file(options.key_path.c_str(), passphrase, no_passphrase, nullptr, &key) == SSH_OK) {
    return Key(key);
  }
  return fail(Errc::permission_denied, base::concat("sftp: the key file ", options.key_path, " cannot be used"),
              passphrase == nullptr ? "it must be a private key; when it is encrypted, configure the passphrase"
                                    : "it must be a private key, and the passphrase the right one");
}

class Login {
 public:
  Login(Session& session, const SftpBackendOptions& options, Clock::Steady until, const Call& call)
      : session_(session), options_(options), until_(until), call_(call) {}

  Result<void> run();

 private:
  using Method = Result<int> (Login::*)();
  Result<int> step(const std::function<int(ssh_session)>& ask) {
    return session_.drive(ask, SSH_AUTH_AGAIN, "log in", until_, call_);
  }
  Result<int> by_key();
  Result<int> by_password();
  Result<int> by_questions();
  Result<int> by_agent();
  // True when that was all the server wanted.
  Result<bool> attempt(int kind, std::string_view shown, Method method);
  Failure refused() const;

  Session& session_;
  const SftpBackendOptions& options_;
  Clock::Steady until_;
  const Call& call_;
  std::string tried_;
};

Result<int> Login::by_key() {
  auto key = read_key(options_);
  if (!key) return pass(key);
  return step([&](ssh_session raw) { return ::ssh_userauth_publickey(raw, nullptr, key->get()); });
}

Result<int> Login::by_password() {
  return step([&](ssh_session raw) { return ::ssh_userauth_password(raw, nullptr, options_.password.c_str()); });
}

Result<int> Login::by_agent() {
  return step([](ssh_session raw) { return ::ssh_userauth_agent(raw, nullptr); });
}

// How servers with PAM ask for a password. What is shown while it is typed is another question than ours.
Result<int> Login::by_questions() {
  const auto ask = [](ssh_session raw) { return ::ssh_userauth_kbdint(raw, nullptr, nullptr); };
  auto code = step(ask);
  for (int i = 0; code && *code == SSH_AUTH_INFO && i < kMostQuestions; ++i) {
    const int prompts = ::ssh_userauth_kbdint_getnprompts(session_.raw());
    for (int prompt = 0; prompt < prompts; ++prompt) {
      char echo = 0;
      const auto number = static_cast<unsigned>(prompt);
      ::ssh_userauth_kbdint_getprompt(session_.raw(), number, &echo);
      ::ssh_userauth_kbdint_setanswer(session_.raw(), number, echo != 0 ? "" : options_.password.c_str());
    }
    code = step(ask);
  }
  return code;
}

Result<bool> Login::attempt(int kind, std::string_view shown, Method method) {
  if ((::ssh_userauth_list(session_.raw(), nullptr) & kind) == 0) return false;
  auto code = (this->*method)();
  if (!code) return pass(code);
  if (*code == SSH_AUTH_SUCCESS) return true;
  if (*code == SSH_AUTH_ERROR && ::ssh_is_connected(session_.raw()) == 0) return session_.broken("log in", call_);
  tried_ += base::concat(tried_.empty() ? "" : ", ", shown);
  return false;
}

Failure Login::refused() const {
  const auto why = tried_.empty() ? std::string("takes nothing that is configured") : "refused the " + tried_;
  return fail(Errc::permission_denied, base::concat("sftp ", session_.name(), ": the server ", why),
              "check user, password and key, and that the key is in the user's authorized_keys on the server");
}

Result<void> Login::run() {
  auto none = step([](ssh_session raw) { return ::ssh_userauth_none(raw, nullptr); });
  if (!none) return pass(none);
  if (*none == SSH_AUTH_SUCCESS) return {};
  if (*none == SSH_AUTH_ERROR) return session_.broken("log in", call_);
  const bool key = !options_.key_path.empty(), password = !options_.password.empty();
  struct Way {
    bool wanted;
    int kind;
    std::string_view shown;
    Method method;
  };
  const Way ways[] = {
      {key, SSH_AUTH_METHOD_PUBLICKEY, "key", &Login::by_key},
      {password, SSH_AUTH_METHOD_PASSWORD, "password", &Login::by_password},
      {password, SSH_AUTH_METHOD_INTERACTIVE, "password (keyboard-interactive)", &Login::by_questions},
      {!key && !password, SSH_AUTH_METHOD_PUBLICKEY, "agent's keys", &Login::by_agent},
  };
  for (const Way& way : ways) {
    if (!way.wanted) continue;
    auto in = attempt(way.kind, way.shown, way.method);
    if (!in) return pass(in);
    if (*in) return {};
  }
  return refused();
}

}  // namespace

Result<void> log_in(Session& session, const SftpBackendOptions& options, Clock::Steady until, const Call& call) {
  return Login(session, options, until, call).run();
}

}  // namespace replica::backend::sftp
