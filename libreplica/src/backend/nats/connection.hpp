// A connection to NATS and requests over it. Only the files of this folder know libnats. Waits are in short steps, so
// that a Call can end them.
#pragma once

#include <nats/nats.h>

#include <atomic>
#include <memory>
#include <mutex>
#include <vector>

#include "backend/nats/credentials.hpp"
#include "replica/backends/nats.hpp"

namespace replica::backend::nats {

struct FreeMessage {
  void operator()(natsMsg* message) const { natsMsg_Destroy(message); }
};
using Message = std::unique_ptr<natsMsg, FreeMessage>;

std::string_view text_of(const Message& message);
Bytes bytes_of(const Message& message);
std::string header_of(const Message& message, const char* name);  // empty when there is none

// Safe from any thread at once.
class Connection {
 public:
  static Result<std::shared_ptr<Connection>> open(const NatsBackendOptions& options, const Call& call);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  const std::string& name() const noexcept { return name_; }
  bool is_closed() const { return natsConnection_IsClosed(raw_); }

  // Ends one; it is freed later, by its connection.
  struct Unsubscribe {
    const Connection* connection;
    void operator()(natsSubscription* subscription) const { connection->unsubscribe(subscription); }
  };
  using Subscription = std::unique_ptr<natsSubscription, Unsubscribe>;
  // A subject of our own for answers, and what comes there. `is_single`: that very subject, else all that begin with
  // it. Not longer than the connection.
  struct Inbox {
    std::string subject;
    Subscription subscription;
  };
  Result<Inbox> inbox(const Call& call, bool is_single) const;
  Result<void> publish(const std::string& subject, const std::string& reply, Bytes data, const Call& call) const;
  // The next message; timed_out when nothing comes for as long as `timeout` says. permission_denied when the server
  // refused to take something sent to `subject` meanwhile.
  Result<Message> next(natsSubscription* subscription, const std::string& subject, const Call& call) const;
  // Returns empty instead of waiting longer than `pause`.
  Result<Message> poll(natsSubscription* subscription, std::chrono::milliseconds pause, const std::string& subject,
                       const Call& call) const;
  using Headers = std::vector<std::pair<const char*, std::string>>;
  Result<Message> request(const std::string& subject, std::string_view body, const Call& call,
                          const Headers& headers = {}) const;
  Failure broken(natsStatus status, std::string_view what, const Call& call) const;

 private:
  Connection(const NatsBackendOptions& options);
  Result<void> connect(const NatsBackendOptions& options, const Call& call);
  static void note(natsConnection*, natsSubscription*, natsStatus status, void* self);
  static natsStatus give_jwt(char** jwt, char** error, void* self);
  static natsStatus sign(char** error, unsigned char** signature, int* size, const char* nonce, void* self);
  natsStatus configure(natsOptions* into, const NatsBackendOptions& options, const Call& call);
  natsStatus identify(natsOptions* into, const NatsBackendOptions& options);
  bool is_refused(const std::string& subject) const;

  // libnats before 3.6 finds the subscription of a message and locks it without holding on to it (nats.c issue 637):
  // one may not be freed while a message can come to it. It is unsubscribed, and freed when the thread that reads has
  // come past it: when it has brought the answer to a request that was sent later, or has ended.
  struct Free {
    void operator()(natsSubscription* subscription) const { natsSubscription_Destroy(subscription); }
  };
  using Ended = std::vector<std::unique_ptr<natsSubscription, Free>>;
  void unsubscribe(natsSubscription* subscription) const;
  Ended take_ended() const;
  void keep(Ended ended) const;

  std::string name_;
  Credentials credentials_;
  bool is_unsendable_ = false;  // the signature that was wanted last; only while connecting
  std::chrono::milliseconds timeout_;
  natsConnection* raw_ = nullptr;
  mutable std::mutex mutex_;
  mutable std::string refusal_;  // guarded by mutex_; the server's last words of that kind
  mutable Ended ended_;          // guarded by mutex_
};

}  // namespace replica::backend::nats
