#include "http/channel.hpp"

#include <algorithm>
#include <csignal>
#include <stop_token>

namespace replica::http {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kLongestPoll{1000};
constexpr long kConnections = 16;  // kept open by a channel

void initialise_curl() {
  static const CURLcode kDone = curl_global_init(CURL_GLOBAL_DEFAULT);
  static_cast<void>(kDone);
}

// OpenSSL writes without MSG_NOSIGNAL: a connection closed by the server must not end an application that has not
// said what SIGPIPE means to it. Only this thread, and only while it is in here.
class WithoutSigpipe {
 public:
  WithoutSigpipe() {
    sigemptyset(&pipe_);
    sigaddset(&pipe_, SIGPIPE);
    sigset_t pending;
    sigemptyset(&pending);
    sigpending(&pending);
    was_pending_ = sigismember(&pending, SIGPIPE) == 1;
    pthread_sigmask(SIG_BLOCK, &pipe_, &before_);
  }
  WithoutSigpipe(const WithoutSigpipe&) = delete;
  WithoutSigpipe& operator=(const WithoutSigpipe&) = delete;
  ~WithoutSigpipe() {
    const timespec now{};
    if (!was_pending_) sigtimedwait(&pipe_, nullptr, &now);
    pthread_sigmask(SIG_SETMASK, &before_, nullptr);
  }

 private:
  sigset_t pipe_{}, before_{};
  bool was_pending_ = false;
};

milliseconds poll_time(const Call& call, milliseconds progress_timeout) {
  milliseconds longest = std::min(kLongestPoll, std::max(progress_timeout / 4, milliseconds(1)));
  if (!call.deadline) return longest;
  const auto left = std::chrono::ceil<milliseconds>(*call.deadline - std::chrono::steady_clock::now());
  return std::clamp(left, milliseconds(0), longest);
}

}  // namespace

Channel::Channel(const ClientOptions& options) : options_(options), multi_((initialise_curl(), curl_multi_init())) {
  curl_multi_setopt(multi_, CURLMOPT_MAXCONNECTS, kConnections);
}

Channel::~Channel() {
  drop_all();
  idle_.clear();
  curl_multi_cleanup(multi_);
}

void Channel::count(const Transfer& transfer, Transfer::End how) const noexcept {
  if (call_ == nullptr || call_->requests == nullptr) return;
  RequestTally tally = transfer.tally(how);
  if (call_->attempt > 0) tally.retries = tally.requests;
  call_->requests->add(class_of(transfer.request()), tally);
}

void Channel::drop_all() noexcept {
  for (auto& transfer : running_) {
    count(*transfer, Transfer::End::dropped);
    curl_multi_remove_handle(multi_, transfer->handle());
    transfer->clear();
    idle_.push_back(std::move(transfer));
  }
  running_.clear();
}

Result<void> Channel::fill(Feed& feed, std::size_t at_once) {
  while (running_.size() < at_once) {
    auto request = feed.next();
    if (!request) return pass(request);
    if (*request == nullptr) return {};
    if (idle_.empty()) idle_.push_back(std::make_unique<Transfer>());
    running_.push_back(std::move(idle_.back()));
    idle_.pop_back();
    running_.back()->prepare(**request, options_);
    curl_multi_add_handle(multi_, running_.back()->handle());
  }
  return {};
}

Result<void> Channel::finish(Feed& feed, Transfer& transfer, Result<Response> answer) {
  const Request& request = transfer.request();
  curl_multi_remove_handle(multi_, transfer.handle());
  const auto at = std::find_if(running_.begin(), running_.end(), [&](const auto& t) { return t.get() == &transfer; });
  idle_.push_back(std::move(*at));
  running_.erase(at);
  idle_.back()->clear();
  return feed.done(request, std::move(answer));
}

Result<bool> Channel::collect(Feed& feed) {
  bool any = false;
  int left = 0;
  while (const CURLMsg* message = curl_multi_info_read(multi_, &left)) {
    if (message->msg != CURLMSG_DONE) continue;
    void* owner = nullptr;
    curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &owner);
    auto& transfer = *static_cast<Transfer*>(owner);
    any = true;
    count(transfer, message->data.result == CURLE_OK ? Transfer::End::done : Transfer::End::failed);
    if (auto told = finish(feed, transfer, transfer.result(message->data.result)); !told) return pass(told);
  }
  const auto now = std::chrono::steady_clock::now();
  const auto is_silent = [&](const auto& t) { return now - t->moved_at() >= options_.progress_timeout; };
  for (auto at = std::find_if(running_.begin(), running_.end(), is_silent); at != running_.end();
       at = std::find_if(running_.begin(), running_.end(), is_silent)) {
    any = true;
    count(**at, Transfer::End::silent);
    if (auto told = finish(feed, **at, (*at)->silent(options_.progress_timeout)); !told) return pass(told);
  }
  return any;
}

Result<void> Channel::step(Feed& feed, const Call& call) {
  const Request& first = running_.front()->request();
  if (auto going = call.check(first.method + " " + shown_url(first.url)); !going) return going;
  int running = 0;
  if (const CURLMcode code = curl_multi_perform(multi_, &running); code != CURLM_OK)
    return fail(Errc::io, std::string("libcurl: ") + curl_multi_strerror(code));
  auto any = collect(feed);
  if (!any) return pass(any);
  if (*any) return {};
  const milliseconds patience = poll_time(call, options_.progress_timeout);
  curl_multi_poll(multi_, nullptr, 0, static_cast<int>(patience.count()), nullptr);
  return {};
}

Result<void> Channel::run(Feed& feed, std::size_t at_once, const Call& call) {
  const WithoutSigpipe guard;
  call_ = &call;
  const std::stop_callback wake(call.stop, [this] { curl_multi_wakeup(multi_); });
  Result<void> done;
  do {
    done = fill(feed, at_once);
    if (done && running_.empty()) break;
    if (done) done = step(feed, call);
  } while (done);
  drop_all();
  call_ = nullptr;
  return done;
}

}  // namespace replica::http
