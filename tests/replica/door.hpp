// A store that answers nothing while it is shut; who has called it may give up, as with a silent server.
#pragma once

#include <condition_variable>
#include <mutex>

#include "replica/backend.hpp"

namespace engine_fixture {

using namespace replica;

class Door {
 public:
  void shut() { set(true); }
  void open() { set(false); }
  std::size_t waiting() const {
    const std::lock_guard guard(lock_);
    return waiting_;
  }
  std::shared_ptr<Backend> backend() { return std::make_shared<Behind>(*this); }
  std::shared_ptr<Backend> memory = make_memory_backend();

 private:
  class Behind final : public Backend {
   public:
    explicit Behind(Door& door) : door_(door) {}
    std::string_view type() const noexcept override { return door_.memory->type(); }
    Capabilities capabilities() const noexcept override { return door_.memory->capabilities(); }
    Result<ObjectInfo> put(std::string_view key, Source& body, const PutOptions& options, const Call& call) override {
      if (auto r = door_.pass_through(call); !r) return pass(r);
      return door_.memory->put(key, body, options, call);
    }
    Result<std::uint64_t> get(std::string_view key, ByteRange range, Sink& out, const Call& call) override {
      if (auto r = door_.pass_through(call); !r) return pass(r);
      return door_.memory->get(key, range, out, call);
    }
    Result<ObjectInfo> stat(std::string_view key, const Call& call) override {
      if (auto r = door_.pass_through(call); !r) return pass(r);
      return door_.memory->stat(key, call);
    }
    Result<void> list(std::string_view prefix, std::string_view after, const Visitor& visit,
                      const Call& call) override {
      if (auto r = door_.pass_through(call); !r) return r;
      return door_.memory->list(prefix, after, visit, call);
    }
    Result<void> remove(std::string_view key, const Call& call) override {
      if (auto r = door_.pass_through(call); !r) return r;
      return door_.memory->remove(key, call);
    }

   private:
    Door& door_;
  };

  Result<void> pass_through(const Call& call) {
    std::unique_lock guard(lock_);
    ++waiting_;
    const auto opened = [&] { return !shut_; };
    if (call.deadline)
      changed_.wait_until(guard, call.stop, *call.deadline, opened);
    else
      changed_.wait(guard, call.stop, opened);
    --waiting_;
    return shut_ ? call.check("call of a silent store") : Result<void>{};
  }
  void set(bool shut) {
    {
      const std::lock_guard guard(lock_);
      shut_ = shut;
    }
    changed_.notify_all();
  }
  mutable std::mutex lock_;
  std::condition_variable_any changed_;
  bool shut_ = false;
  std::size_t waiting_ = 0;
};

}  // namespace engine_fixture
