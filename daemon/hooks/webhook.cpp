#include "hooks/webhook.hpp"

#include <curl/curl.h>

#include <algorithm>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <condition_variable>
#include <mutex>

#include "event_notice.hpp"
#include "hooks/signature.hpp"

namespace litestreamd {

using replica::LogLevel;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

namespace {

constexpr milliseconds kFirstPause{500}, kLongestPause{30'000};

// What the log may say of it: user, password and query may be secrets.
std::string without_secrets(const std::string& url) {
  const std::size_t host = url.find("://") + 3;
  std::string out = url.substr(0, url.find_first_of("?#"));
  const std::size_t end = out.find('/', host);
  const std::size_t at = out.rfind('@', end == out.npos ? end : end - 1);
  if (at != out.npos && at >= host) out.erase(host, at + 1 - host);
  return out;
}

struct FreeHandle {
  void operator()(CURL* handle) const { curl_easy_cleanup(handle); }
};
struct FreeList {
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};
using Headers = std::unique_ptr<curl_slist, FreeList>;

void add(Headers& headers, const std::string& line) {
  curl_slist* longer = curl_slist_append(headers.get(), line.c_str());
  if (longer == nullptr) return;  // no memory: the request goes without
  [[maybe_unused]] const curl_slist* same = headers.release();
  headers.reset(longer);
}

std::size_t ignore_body(const char*, std::size_t size, std::size_t count, void*) { return size * count; }

int stop_when_told(void* stop, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
  return static_cast<const std::stop_token*>(stop)->stop_requested() ? 1 : 0;
}

// False when the stop came first.
bool pause(milliseconds time, const std::stop_token& stop) {
  std::mutex unused;
  std::unique_lock guard(unused);
  std::condition_variable_any wake;
  wake.wait_for(guard, stop, time, [] { return false; });
  return !stop.stop_requested();
}

}  // namespace

std::string event_payload(const std::string& run, const replica::Event& event) {
  boost::json::object object = control::encode_event(notice(event));
  object["run"] = run;
  return boost::json::serialize(object);
}

struct Webhook::Impl {
  config::WebhookSettings settings;
  config::Environment environment;
  std::string run, secret, shown_url;
  replica::Logger& log;
  std::unique_ptr<CURL, FreeHandle> handle;

  void refresh_secret();
  void set_up();
  Headers headers_for(const replica::Event& event, const std::string& body) const;
  // Empty when it was delivered.
  std::string attempt(const Headers& headers, const std::string& body, const std::stop_token& stop);
};

Webhook::Webhook(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Webhook::~Webhook() = default;

replica::Result<std::unique_ptr<Webhook>> Webhook::open(const config::WebhookSettings& settings,
                                                        const config::Environment& environment, std::string run,
                                                        replica::Logger& log) {
  static std::once_flag once;
  std::call_once(once, [] { curl_global_init(CURL_GLOBAL_DEFAULT); });
  auto secret = read_secret(settings, environment);
  if (!secret) return replica::pass(secret);
  auto impl = std::unique_ptr<Impl>(new Impl{.settings = settings,
                                             .environment = environment,
                                             .run = std::move(run),
                                             .secret = std::move(*secret),
                                             .shown_url = without_secrets(settings.url),
                                             .log = log,
                                             .handle = std::unique_ptr<CURL, FreeHandle>(curl_easy_init())});
  if (!impl->handle) return replica::fail(replica::Errc::io, "events.webhook: libcurl cannot be used");
  impl->set_up();
  return std::unique_ptr<Webhook>(new Webhook(std::move(impl)));
}

void Webhook::Impl::set_up() {
  CURL* curl = handle.get();
  curl_easy_setopt(curl, CURLOPT_URL, settings.url.c_str());
  curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
  curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(curl, CURLOPT_USERAGENT, "litestreamd");
  curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, static_cast<long>(config::to_milliseconds(settings.timeout).count()));
  curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, ignore_body);
  curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, stop_when_told);
  curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
  if (!settings.ca_file.empty()) curl_easy_setopt(curl, CURLOPT_CAINFO, settings.ca_file.c_str());
}

// A new secret needs no restart; one that cannot be read just now does not stop deliveries.
void Webhook::Impl::refresh_secret() {
  auto fresh = read_secret(settings, environment);
  if (fresh) {
    secret = std::move(*fresh);
  } else {
    log.log(LogLevel::warn, "the webhook goes on with the secret it has", {{"error", fresh.error().message}});
  }
}

Headers Webhook::Impl::headers_for(const replica::Event& event, const std::string& body) const {
  Headers headers;
  add(headers, "Content-Type: application/json");
  add(headers, "Expect:");  // no round trip for a small body
  add(headers, "X-Litestream-Event: " + std::string(replica::name(event.kind)));
  add(headers, "X-Litestream-Delivery: " + run + "-" + std::to_string(event.seq));
  if (!secret.empty()) add(headers, "X-Litestream-Signature: sha256=" + hmac_sha256(secret, body));
  return headers;
}

std::string Webhook::Impl::attempt(const Headers& headers, const std::string& body, const std::stop_token& stop) {
  CURL* curl = handle.get();
  curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers.get());
  curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE, static_cast<long>(body.size()));
  curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body.data());
  curl_easy_setopt(curl, CURLOPT_XFERINFODATA, &stop);
  const CURLcode code = curl_easy_perform(curl);
  if (code != CURLE_OK) return curl_easy_strerror(code);
  long status = 0;
  curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
  return status >= 200 && status < 300 ? std::string() : "the receiver answered " + std::to_string(status);
}

void Webhook::deliver(const replica::Event& event, const std::stop_token& stop) {
  Impl& my = *impl_;
  my.refresh_secret();
  const std::string body = event_payload(my.run, event);
  const Headers headers = my.headers_for(event, body);
  const auto tell = [&](LogLevel level, std::string_view what, const std::string& error) {
    my.log.log(level, what,
               {{"url", my.shown_url},
                {"event", std::string(replica::name(event.kind))},
                {"seq", std::to_string(event.seq)},
                {"error", error}});
  };
  const auto give_up = steady_clock::now() + my.settings.retry_for;
  milliseconds wait = kFirstPause;
  for (bool first = true;; first = false) {
    const std::string error = my.attempt(headers, body, stop);
    if (error.empty()) return;
    if (first) tell(LogLevel::warn, "webhook delivery failed, trying again", error);
    if (steady_clock::now() + wait > give_up || !pause(wait, stop))
      return tell(LogLevel::error, "webhook delivery given up", error);
    wait = std::min(wait * 2, kLongestPause);
  }
}

}  // namespace litestreamd
