#include "http/transfer.hpp"

#include <algorithm>
#include <cstdlib>

#include "base/text.hpp"

namespace replica::http {
namespace {

constexpr const char* kUserAgent = "litestreamd";
constexpr long kBufferSize = 128L * 1024;  // what curl reads and sends at once

// The places where programs look for the name of a bundle; ours first, as the AWS tools have it.
std::string ca_bundle_of_environment() {
  for (const char* name : {"AWS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"}) {
    const char* value = std::getenv(name);
    if (value != nullptr && *value != '\0') return value;
  }
  return {};
}

std::string lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  return out;
}

std::string_view trimmed(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(" \t\r\n");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t\r\n") + 1 - begin);
}

// Not that something is missing, is there already or has changed, nor a range beyond the end.
bool is_failure(long status) {
  for (const long telling : {404, 405, 409, 410, 412, 416}) {
    if (status == telling) return false;
  }
  return status == 0 || status >= 400;
}

bool is_about_trust(CURLcode code) {
  return code == CURLE_PEER_FAILED_VERIFICATION || code == CURLE_SSL_CACERT_BADFILE || code == CURLE_SSL_CERTPROBLEM ||
         code == CURLE_SSL_ISSUER_ERROR;
}

}  // namespace

template <class Number>
void Transfer::set(CURLoption option, Number value) {
  curl_easy_setopt(easy_, option, value);
}

Transfer::Transfer() : easy_(curl_easy_init()) {}

Transfer::~Transfer() {
  clear();
  curl_easy_cleanup(easy_);
}

void Transfer::clear() noexcept {
  curl_easy_reset(easy_);
  curl_slist_free_all(headers_);
  headers_ = nullptr;
  request_ = nullptr;
}

void Transfer::prepare(const Request& request, const ClientOptions& options) {
  request_ = &request;
  response_ = {};
  failure_.reset();
  sent_ = 0;
  moved_ = 0;
  head_seen_ = false;
  error_text_.front() = '\0';
  moved_at_ = std::chrono::steady_clock::now();
  set(CURLOPT_ERRORBUFFER, error_text_.data());
  set(CURLOPT_URL, request.url.c_str());
  set(CURLOPT_PATH_AS_IS, 1L);  // a signature is about the path as it is
  set(CURLOPT_PROTOCOLS_STR, "http,https");
  set(CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_2TLS));
  set(CURLOPT_USERAGENT, kUserAgent);
  set(CURLOPT_NOSIGNAL, 1L);
  set(CURLOPT_TCP_KEEPALIVE, 1L);
  set(CURLOPT_BUFFERSIZE, kBufferSize);
  set(CURLOPT_UPLOAD_BUFFERSIZE, kBufferSize);
  set(CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(options.connect_timeout.count()));
  set(CURLOPT_HEADERFUNCTION, &Transfer::on_header);
  set(CURLOPT_HEADERDATA, this);
  set(CURLOPT_WRITEFUNCTION, &Transfer::on_write);
  set(CURLOPT_WRITEDATA, this);
  set(CURLOPT_XFERINFOFUNCTION, &Transfer::on_progress);
  set(CURLOPT_XFERINFODATA, this);
  set(CURLOPT_NOPROGRESS, 0L);
  set(CURLOPT_PRIVATE, this);
  set_proxy(request);
  set_trust(options);
  set_body(request);
}

void Transfer::set_trust(const ClientOptions& options) {
  if (options.skip_verify) {
    set(CURLOPT_SSL_VERIFYPEER, 0L);
    set(CURLOPT_SSL_VERIFYHOST, 0L);
    return;
  }
  const std::string bundle = options.ca_bundle.empty() ? ca_bundle_of_environment() : options.ca_bundle;
  if (!bundle.empty()) set(CURLOPT_CAINFO, bundle.c_str());
}

// The rest is curl's, NO_PROXY too. It leaves HTTP_PROXY out for the sake of CGI programs, where a client can set it.
void Transfer::set_proxy(const Request& request) {
  if (request.no_proxy) {
    set(CURLOPT_NOPROXY, "*");
    return;
  }
  const char* upper = std::getenv("HTTP_PROXY");
  const bool wanted = request.url.starts_with("http:") && std::getenv("http_proxy") == nullptr;
  if (wanted && upper != nullptr && std::getenv("REQUEST_METHOD") == nullptr) set(CURLOPT_PROXY, upper);
}

void Transfer::set_body(const Request& request) {
  if (request.body != nullptr) {
    set(CURLOPT_UPLOAD, 1L);
    set(CURLOPT_INFILESIZE_LARGE, static_cast<curl_off_t>(request.body->size()));
    set(CURLOPT_READFUNCTION, &Transfer::on_read);
    set(CURLOPT_READDATA, this);
    set(CURLOPT_SEEKFUNCTION, &Transfer::on_seek);
    set(CURLOPT_SEEKDATA, this);
    headers_ = curl_slist_append(headers_, "Expect:");
  } else if (request.method == "HEAD") {
    set(CURLOPT_NOBODY, 1L);
  } else if (request.method == "POST" || request.method == "PUT") {
    set(CURLOPT_POSTFIELDS, "");
    headers_ = curl_slist_append(headers_, "Content-Type:");  // not the one of a form
  }
  if (request.method != "HEAD") set(CURLOPT_CUSTOMREQUEST, request.method.c_str());
  for (const Header& header : request.headers)
    headers_ = curl_slist_append(headers_, base::concat(header.name, ": ", header.value).c_str());
  set(CURLOPT_HTTPHEADER, headers_);
}

Result<std::size_t> Transfer::read_body(MutableBytes out) {
  const std::uint64_t size = request_->body->size();
  const auto wanted = static_cast<std::size_t>(std::min<std::uint64_t>(out.size(), size - sent_));
  auto got = request_->body->read(out.first(wanted));
  if (!got) return pass(got, "read body");
  if (*got == 0 && wanted > 0) return fail(Errc::corrupt, base::concat("body has less than ", size, " bytes"));
  sent_ += *got;
  if (sent_ < size) return got;
  // The last bytes go out only when they are known to be the last.
  std::byte more{};
  auto beyond = request_->body->read(MutableBytes(&more, 1));
  if (!beyond) return pass(beyond, "read body");
  if (*beyond > 0) return fail(Errc::corrupt, base::concat("body has more than ", size, " bytes"));
  return got;
}

std::size_t Transfer::on_read(char* out, std::size_t size, std::size_t count, void* self) {
  auto& transfer = *static_cast<Transfer*>(self);
  auto got = transfer.read_body(std::as_writable_bytes(std::span(out, size * count)));
  if (got) return *got;
  transfer.failure_ = std::move(got.error());
  return CURL_READFUNC_ABORT;
}

// To the beginning only: curl sends a body again when a kept connection has died before it took anything.
int Transfer::on_seek(void* self, curl_off_t offset, int origin) {
  auto& transfer = *static_cast<Transfer*>(self);
  if (offset != 0 || origin != SEEK_SET) return CURL_SEEKFUNC_CANTSEEK;
  if (auto rewound = transfer.request_->body->rewind(); !rewound) {
    transfer.failure_ = std::move(rewound.error());
    return CURL_SEEKFUNC_FAIL;
  }
  transfer.sent_ = 0;
  return CURL_SEEKFUNC_OK;
}

Result<void> Transfer::see_head() {
  if (std::exchange(head_seen_, true)) return {};
  long status = 0;
  curl_easy_getinfo(easy_, CURLINFO_RESPONSE_CODE, &status);
  response_.status = static_cast<int>(status);
  return request_->on_head ? request_->on_head(response_) : Result<void>{};
}

Result<void> Transfer::write_body(Bytes data) {
  if (auto seen = see_head(); !seen) return seen;
  if (response_.ok() && request_->out != nullptr) return request_->out->write(data);
  const std::size_t room = request_->body_limit - response_.body.size();
  if (data.size() > room && response_.ok())
    return fail(Errc::corrupt, base::concat("the answer is longer than ", request_->body_limit, " bytes"));
  const auto* text = reinterpret_cast<const char*>(data.data());
  response_.body.append(text, std::min(data.size(), room));
  return {};
}

std::size_t Transfer::on_write(char* data, std::size_t size, std::size_t count, void* self) {
  auto& transfer = *static_cast<Transfer*>(self);
  auto written = transfer.write_body(std::as_bytes(std::span(data, size * count)));
  if (written) return size * count;
  transfer.failure_ = std::move(written.error());
  return 0;  // an error for every count but 0, with which curl does not call
}

void Transfer::read_header(std::string_view line) {
  // A status line begins anew: after 100 Continue, or a proxy's own answer.
  if (line.starts_with("HTTP/")) {
    response_.headers.clear();
    return;
  }
  const std::size_t colon = line.find(':');
  if (colon == std::string_view::npos) return;
  response_.headers.push_back(
      {.name = lower(line.substr(0, colon)), .value = std::string(trimmed(line.substr(colon + 1)))});
}

std::size_t Transfer::on_header(char* data, std::size_t size, std::size_t count, void* self) {
  static_cast<Transfer*>(self)->read_header({data, size * count});
  return size * count;
}

int Transfer::on_progress(void* self, curl_off_t, curl_off_t received, curl_off_t, curl_off_t sent) {
  auto& transfer = *static_cast<Transfer*>(self);
  const curl_off_t moved = received + sent;
  if (moved != transfer.moved_) transfer.moved_at_ = std::chrono::steady_clock::now();
  transfer.moved_ = moved;
  return 0;
}

Error Transfer::network_error(CURLcode code) const {
  const std::string what = base::concat(request_->method, " ", shown_url(request_->url), ": ");
  const std::string why = error_text_.front() != '\0' ? error_text_.data() : curl_easy_strerror(code);
  if (is_about_trust(code))
    return {.code = Errc::permission_denied,
            .message = what + why,
            .hint = "name the certificate of its authority in SSL_CERT_FILE or AWS_CA_BUNDLE"};
  // Also said of a server that answers in no known HTTP.
  const bool strange_scheme = code == CURLE_UNSUPPORTED_PROTOCOL && !request_->url.starts_with("http");
  if (code == CURLE_URL_MALFORMAT || strange_scheme) return {.code = Errc::invalid_argument, .message = what + why};
  return {.code = code == CURLE_OPERATION_TIMEDOUT ? Errc::timed_out : Errc::unavailable, .message = what + why};
}

Result<Response> Transfer::result(CURLcode code) {
  if (!failure_ && code == CURLE_OK) {
    if (auto seen = see_head(); !seen) failure_ = std::move(seen.error());
  }
  if (failure_) return Failure(std::move(*failure_));
  if (code != CURLE_OK) return Failure(network_error(code));
  return std::move(response_);
}

RequestTally Transfer::tally(End how) const {
  long status = 0, head = 0;
  curl_off_t sent = 0, received = 0;
  curl_easy_getinfo(easy_, CURLINFO_RESPONSE_CODE, &status);
  curl_easy_getinfo(easy_, CURLINFO_REQUEST_SIZE, &head);
  curl_easy_getinfo(easy_, CURLINFO_SIZE_UPLOAD_T, &sent);
  curl_easy_getinfo(easy_, CURLINFO_SIZE_DOWNLOAD_T, &received);
  RequestTally out{.bytes_sent = static_cast<std::uint64_t>(sent),
                   .bytes_received = static_cast<std::uint64_t>(received)};
  out.requests = head > 0 || status > 0 ? 1 : 0;
  if (request_->repeats) out.retries = out.requests;
  const bool lost = how == End::silent || (how == End::failed && !failure_);  // not for what a source or a sink said
  out.errors = lost || (how == End::done && is_failure(status)) ? 1 : 0;
  return out;
}

Result<Response> Transfer::silent(std::chrono::milliseconds how_long) const {
  return fail(Errc::timed_out, base::concat(request_->method, " ", shown_url(request_->url), ": no byte moved for ",
                                            how_long.count(), " ms"));
}

}  // namespace replica::http
