#include "http/client.hpp"

#include "http/channel.hpp"

namespace replica::http {
namespace {

// A feed of one.
class Single final : public Feed {
 public:
  explicit Single(const Request& request) : request_(&request) {}
  Result<const Request*> next() override { return std::exchange(request_, nullptr); }
  Result<void> done(const Request&, Result<Response> answer) override {
    answer_ = std::move(answer);
    return {};
  }
  Result<Response> take() && { return std::move(answer_); }

 private:
  const Request* request_;
  Result<Response> answer_;
};

}  // namespace

// A channel for as long as it is in use.
class Client::Lease {
 public:
  Lease(Client& client, std::unique_ptr<Channel> channel) : client_(client), channel_(std::move(channel)) {}
  Lease(const Lease&) = delete;
  Lease& operator=(const Lease&) = delete;
  ~Lease() { client_.give_back(std::move(channel_)); }
  Channel& operator*() const noexcept { return *channel_; }

 private:
  Client& client_;
  std::unique_ptr<Channel> channel_;
};

Client::Client(ClientOptions options) : options_(std::move(options)) {}
Client::~Client() = default;

Result<std::unique_ptr<Channel>> Client::take(const Call& call) {
  const auto free = [this] { return taken_ < options_.channels; };
  std::unique_lock lock(mutex_);
  if (call.deadline) {
    returned_.wait_until(lock, call.stop, *call.deadline, free);
  } else {
    returned_.wait(lock, call.stop, free);
  }
  if (auto going = call.check("a free connection"); !going) return pass(going);
  if (!free()) return fail(Errc::timed_out, "timeout waiting for a free connection");
  ++taken_;
  if (idle_.empty()) return std::make_unique<Channel>(options_);
  auto channel = std::move(idle_.back());
  idle_.pop_back();
  return channel;
}

void Client::give_back(std::unique_ptr<Channel> channel) {
  {
    const std::scoped_lock lock(mutex_);
    idle_.push_back(std::move(channel));
    --taken_;
  }
  returned_.notify_one();
}

Result<void> Client::send_all(Feed& feed, std::size_t at_once, const Call& call) {
  auto channel = take(call);
  if (!channel) return pass(channel);
  const Lease lease(*this, std::move(*channel));
  return (*lease).run(feed, at_once, call);
}

Result<Response> Client::send(const Request& request, const Call& call) {
  Single feed(request);
  if (auto sent = send_all(feed, 1, call); !sent) return pass(sent);
  return std::move(feed).take();
}

std::shared_ptr<Client> shared_client(const ClientOptions& options) {
  struct Known {
    ClientOptions options;
    std::weak_ptr<Client> client;
  };
  static std::mutex mutex;
  static std::vector<Known> all;  // guarded by mutex
  const std::scoped_lock lock(mutex);
  std::erase_if(all, [](const Known& known) { return known.client.expired(); });
  for (const Known& known : all) {
    if (known.options == options)
      if (auto client = known.client.lock()) return client;
  }
  auto client = std::make_shared<Client>(options);
  all.push_back({.options = options, .client = client});
  return client;
}

}  // namespace replica::http
