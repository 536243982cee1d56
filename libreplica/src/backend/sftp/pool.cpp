#include "backend/sftp/pool.hpp"

#include <algorithm>
#include <utility>

namespace replica::backend::sftp {

Pool::Lease::~Lease() {
  if (client_) pool_->give_back(std::move(client_));
}

void Pool::give_back(std::unique_ptr<Client> client) {
  std::vector<std::unique_ptr<Client>> dead;  // closed outside the lock
  const std::scoped_lock lock(mutex_);
  if (client && !client->is_broken()) {
    idle_.push_back(std::move(client));
  } else if (client) {
    dead = std::exchange(idle_, {});
    dead.push_back(std::move(client));
  }
  --in_use_;
  changed_.notify_one();
}

Result<void> Pool::wait_for_turn(const Call& call) {
  std::unique_lock lock(mutex_);
  const auto is_free = [this] { return in_use_ < std::max(options_.connections, 1); };
  if (call.deadline) {
    changed_.wait_until(lock, call.stop, *call.deadline, is_free);
  } else {
    changed_.wait(lock, call.stop, is_free);
  }
  if (!is_free()) return call.check("wait for an sftp connection");
  ++in_use_;
  return {};
}

std::unique_ptr<Client> Pool::take_idle() {
  const std::scoped_lock lock(mutex_);
  if (idle_.empty()) return nullptr;
  auto client = std::move(idle_.back());
  idle_.pop_back();
  return client;
}

Result<Pool::Lease> Pool::acquire(const Call& call) {
  if (auto turn = wait_for_turn(call); !turn) return pass(turn);
  while (auto idle = take_idle()) {
    if (idle->is_alive()) return Lease(*this, std::move(idle));
  }
  auto made = Client::connect(options_, call);
  if (made) return Lease(*this, std::move(*made));
  give_back(nullptr);
  return pass(made);
}

}  // namespace replica::backend::sftp
