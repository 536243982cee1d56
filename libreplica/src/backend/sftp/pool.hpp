// Connections that are used again, a bounded number of them.
#pragma once

#include <condition_variable>
#include <mutex>
#include <vector>

#include "backend/sftp/client.hpp"

namespace replica::backend::sftp {

// Safe from any thread at once; outlives its leases. Who holds one must not ask for another.
class Pool {
 public:
  explicit Pool(SftpBackendOptions options) : options_(std::move(options)) {}

  // Gives the connection back. One that broke is thrown away, and with it those that wait: what broke it (a restart of
  // the server, a dead network) has broken them too.
  class Lease {
   public:
    Lease(Pool& pool, std::unique_ptr<Client> client) : pool_(&pool), client_(std::move(client)) {}
    Lease(Lease&&) noexcept = default;
    Lease& operator=(Lease&&) = delete;
    ~Lease();
    Client* operator->() const noexcept { return client_.get(); }
    Client& operator*() const noexcept { return *client_; }

   private:
    Pool* pool_;
    std::unique_ptr<Client> client_;
  };

  // A connection that is there, or a new one; waits while all are in use.
  Result<Lease> acquire(const Call& call);

 private:
  Result<void> wait_for_turn(const Call& call);
  std::unique_ptr<Client> take_idle();
  void give_back(std::unique_ptr<Client> client);

  SftpBackendOptions options_;
  std::mutex mutex_;
  std::condition_variable_any changed_;
  std::vector<std::unique_ptr<Client>> idle_;  // guarded by mutex_; the last used at the end
  int in_use_ = 0;                             // guarded by mutex_
};

}  // namespace replica::backend::sftp
