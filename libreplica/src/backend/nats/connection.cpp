#include "backend/nats/connection.hpp"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <iterator>
#include <utility>

#include "base/text.hpp"

namespace replica::backend::nats {
namespace {

using std::chrono::milliseconds;

// How long a stop may go unnoticed.
constexpr milliseconds kStep{50};
// libnats before 3.8 sends no signature when the first byte of it is zero, as one in 256 is, and the server refuses the
// user then. What is signed is a number the server makes up: it is asked for another.
constexpr int kMostNonces = 8;

// Without user and password: "nats://a:b@host:1" → "host:1".
std::string shown(std::string_view url) {
  std::string out;
  while (!url.empty()) {
    std::string_view one = url.substr(0, url.find(','));
    url.remove_prefix(std::min(url.size(), one.size() + 1));
    if (const auto scheme = one.find("://"); scheme != std::string_view::npos) one.remove_prefix(scheme + 3);
    if (const auto user = one.rfind('@'); user != std::string_view::npos) one.remove_prefix(user + 1);
    out += base::concat(out.empty() ? "" : ",", one);
  }
  return out;
}

struct FreeOptions {
  void operator()(natsOptions* options) const { natsOptions_Destroy(options); }
};

std::vector<std::string> split(const std::string& list) {
  std::vector<std::string> parts;
  for (std::size_t at = 0; at <= list.size();) {
    const std::size_t end = std::min(list.find(',', at), list.size());
    parts.push_back(list.substr(at, end - at));
    at = end + 1;
  }
  return parts;
}

}  // namespace

std::string_view text_of(const Message& message) {
  return {natsMsg_GetData(message.get()), static_cast<std::size_t>(natsMsg_GetDataLength(message.get()))};
}

Bytes bytes_of(const Message& message) { return std::as_bytes(std::span(text_of(message))); }

std::string header_of(const Message& message, const char* name) {
  const char* value = nullptr;
  return natsMsgHeader_Get(message.get(), name, &value) == NATS_OK && value != nullptr ? value : "";
}

Connection::Connection(const NatsBackendOptions& options)
    : name_(shown(options.url)), credentials_{.jwt = options.jwt, .seed = options.seed}, timeout_(options.timeout) {}

Connection::~Connection() {
  natsConnection_Destroy(raw_);  // closes it, and ends the thread that calls note()
}

void Connection::note(natsConnection* raw, natsSubscription*, natsStatus status, void* self) {
  const char* text = nullptr;
  if (status != NATS_NOT_PERMITTED || natsConnection_GetLastError(raw, &text) == NATS_OK || text == nullptr) return;
  auto& connection = *static_cast<Connection*>(self);
  const std::scoped_lock lock(connection.mutex_);
  connection.refusal_ = text;
}

natsStatus Connection::give_jwt(char** jwt, char**, void* self) {
  *jwt = ::strdup(static_cast<Connection*>(self)->credentials_.jwt.c_str());
  return *jwt == nullptr ? NATS_NO_MEMORY : NATS_OK;
}

natsStatus Connection::sign(char**, unsigned char** signature, int* size, const char* nonce, void* self) {
  auto& connection = *static_cast<Connection*>(self);
  const natsStatus s = nats_Sign(connection.credentials_.seed.c_str(), nonce, signature, size);
  if (s != NATS_OK || **signature != 0) return s;
  std::free(*signature);
  *signature = nullptr;
  connection.is_unsendable_ = true;
  return NATS_ERR;
}

natsStatus Connection::identify(natsOptions* into, const NatsBackendOptions& options) {
  if (!credentials_.jwt.empty()) return natsOptions_SetUserCredentialsCallbacks(into, give_jwt, this, sign, this);
  if (!options.nkey.empty()) return natsOptions_SetNKey(into, options.nkey.c_str(), sign, this);
  if (!options.user.empty()) return natsOptions_SetUserInfo(into, options.user.c_str(), options.password.c_str());
  if (!options.token.empty()) return natsOptions_SetToken(into, options.token.c_str());
  return NATS_OK;
}

natsStatus Connection::configure(natsOptions* into, const NatsBackendOptions& options, const Call& call) {
  const std::vector<std::string> urls = split(options.url);
  std::vector<const char*> raw;
  raw.reserve(urls.size());
  for (const std::string& url : urls) raw.push_back(url.c_str());
  auto patience = options.timeout;
  if (call.deadline) {
    patience = std::min(patience, std::chrono::ceil<milliseconds>(*call.deadline - std::chrono::steady_clock::now()));
  }
  natsStatus s = natsOptions_SetServers(into, raw.data(), static_cast<int>(raw.size()));
  if (s == NATS_OK) s = natsOptions_SetTimeout(into, std::max<std::int64_t>(patience.count(), 1));
  if (s == NATS_OK) s = natsOptions_SetName(into, "litestream");
  // A connection that is lost is replaced by the next call: then errors are told when they happen, and credentials are
  // read anew.
  if (s == NATS_OK) s = natsOptions_SetAllowReconnect(into, false);
  if (s == NATS_OK) s = natsOptions_SetPingInterval(into, options.timeout.count());
  if (s == NATS_OK) s = natsOptions_SetMaxPingsOut(into, 1);
  if (s == NATS_OK) s = natsOptions_SetErrorHandler(into, note, this);
  if (s == NATS_OK) s = identify(into, options);
  const bool secure = options.tls || !options.root_cas.empty() || !options.client_cert.empty();
  if (s == NATS_OK && secure) s = natsOptions_SetSecure(into, true);
  for (const std::string& file : options.root_cas) {
    if (s == NATS_OK) s = natsOptions_LoadCATrustedCertificates(into, file.c_str());
  }
  if (s == NATS_OK && !options.client_cert.empty()) {
    s = natsOptions_LoadCertificatesChain(into, options.client_cert.c_str(), options.client_key.c_str());
  }
  return s;
}

Result<std::shared_ptr<Connection>> Connection::open(const NatsBackendOptions& options, const Call& call) {
  std::shared_ptr<Connection> connection(new Connection(options));
  if (auto connected = connection->connect(options, call); !connected) return pass(connected);
  return connection;
}

Result<void> Connection::connect(const NatsBackendOptions& options, const Call& call) {
  if (options.jwt.empty() && !options.credentials_path.empty()) {
    auto read = read_credentials(options.credentials_path);
    if (!read) return pass(read, base::concat("nats ", name_));
    credentials_ = std::move(*read);
  }
  natsOptions* made = nullptr;
  natsStatus s = natsOptions_Create(&made);
  const std::unique_ptr<natsOptions, FreeOptions> owned(made);
  if (s == NATS_OK) s = configure(made, options, call);
  if (s != NATS_OK) {
    return fail(Errc::invalid_argument, base::concat("nats ", name_, ": ", natsStatus_GetText(s)),
                "check the URL, the credentials and the files of the certificates");
  }
  for (int nonce = 0; nonce < kMostNonces; ++nonce) {
    is_unsendable_ = false;
    s = natsConnection_Connect(&raw_, made);
    if (s == NATS_OK || !is_unsendable_) break;
  }
  return s == NATS_OK ? Result<void>() : broken(s, "connect", call);
}

Failure Connection::broken(natsStatus status, std::string_view what, const Call& call) const {
  if (auto going = call.check(what); !going) return pass(going);
  const auto failed = [&](Errc code, std::string_view hint) {
    return fail(code, base::concat("nats ", name_, ": ", what, ": ", natsStatus_GetText(status)), std::string(hint));
  };
  switch (status) {
    case NATS_CONNECTION_AUTH_FAILED:
      return failed(Errc::permission_denied, "check the credentials and that they have not expired");
    case NATS_NOT_PERMITTED:
      return failed(Errc::permission_denied, "the user must be allowed the subjects of the bucket, $JS.API and _INBOX");
    case NATS_SSL_ERROR:
    case NATS_SECURE_CONNECTION_REQUIRED:
    case NATS_SECURE_CONNECTION_WANTED:
      return failed(Errc::permission_denied, "check tls, root-cas, client-cert and client-key");
    case NATS_TIMEOUT:
      return failed(Errc::timed_out, {});
    case NATS_NO_RESPONDERS:
      return failed(Errc::unavailable, "JetStream must be enabled for the account on the server");
    default:
      return failed(Errc::unavailable, {});
  }
}

bool Connection::is_refused(const std::string& subject) const {
  const std::scoped_lock lock(mutex_);
  if (refusal_.find('"' + subject + '"') == std::string::npos) return false;
  refusal_.clear();  // told once: permissions may change
  return true;
}

Result<Connection::Inbox> Connection::inbox(const Call& call, bool is_single) const {
  natsInbox* made = nullptr;
  natsSubscription* raw = nullptr;
  natsStatus s = natsInbox_Create(&made);
  const std::string subject = s == NATS_OK ? made : "";
  natsInbox_Destroy(made);
  if (s == NATS_OK) s = natsConnection_SubscribeSync(&raw, raw_, (subject + (is_single ? "" : ".*")).c_str());
  Subscription subscription(raw, {this});
  // Everything sent is answered once, so what waits is bounded by what is asked.
  if (s == NATS_OK) s = natsSubscription_SetPendingLimits(raw, -1, -1);
  if (s != NATS_OK) return broken(s, "subscribe", call);
  return Inbox{is_single ? subject : subject + ".", std::move(subscription)};
}

void Connection::unsubscribe(natsSubscription* subscription) const {
  natsSubscription_Unsubscribe(subscription);
  const std::scoped_lock lock(mutex_);
  ended_.emplace_back(subscription);
}

Connection::Ended Connection::take_ended() const {
  const std::scoped_lock lock(mutex_);
  return std::exchange(ended_, {});
}

void Connection::keep(Ended ended) const {
  const std::scoped_lock lock(mutex_);
  std::ranges::move(ended, std::back_inserter(ended_));
}

Result<void> Connection::publish(const std::string& subject, const std::string& reply, Bytes data,
                                 const Call& call) const {
  const natsStatus s =
      natsConnection_PublishRequest(raw_, subject.c_str(), reply.c_str(), data.data(), static_cast<int>(data.size()));
  return s == NATS_OK ? Result<void>() : broken(s, "send", call);
}

Result<Message> Connection::poll(natsSubscription* subscription, milliseconds pause, const std::string& subject,
                                 const Call& call) const {
  const auto until = std::chrono::steady_clock::now() + pause;
  for (;;) {
    if (auto going = call.check("nats"); !going) return pass(going);
    natsMsg* raw = nullptr;
    const natsStatus s = natsSubscription_NextMsg(&raw, subscription, std::min(pause, kStep).count());
    Message message(raw);
    if (s == NATS_OK && natsMsg_IsNoResponders(raw)) return broken(NATS_NO_RESPONDERS, subject, call);
    if (s == NATS_OK) return message;
    if (s != NATS_TIMEOUT) return broken(s, "receive", call);
    if (is_refused(subject)) return broken(NATS_NOT_PERMITTED, subject, call);
    if (is_closed()) return broken(NATS_CONNECTION_CLOSED, "receive", call);
    if (std::chrono::steady_clock::now() >= until) return Message();
  }
}

Result<Message> Connection::next(natsSubscription* subscription, const std::string& subject, const Call& call) const {
  auto message = poll(subscription, timeout_, subject, call);
  if (message && !*message) return broken(NATS_TIMEOUT, "the server is silent", call);
  return message;
}

Result<Message> Connection::request(const std::string& subject, std::string_view body, const Call& call,
                                    const Headers& headers) const {
  auto answers = inbox(call, true);
  if (!answers) return pass(answers);
  natsMsg* raw = nullptr;
  natsStatus s =
      natsMsg_Create(&raw, subject.c_str(), (answers->subject).c_str(), body.data(), static_cast<int>(body.size()));
  const Message message(raw);
  for (const auto& [name, value] : headers) {
    if (s == NATS_OK) s = natsMsgHeader_Set(raw, name, value.c_str());
  }
  Ended ended = take_ended();  // before anything is sent
  if (s == NATS_OK) s = natsConnection_PublishMsg(raw_, raw);
  auto answer = s == NATS_OK ? next(answers->subscription.get(), subject, call) : broken(s, "send", call);
  if (!answer) keep(std::move(ended));
  return answer;
}

}  // namespace replica::backend::nats
