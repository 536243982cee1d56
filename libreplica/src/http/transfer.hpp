// One exchange: an easy handle of curl, the callbacks it calls and what they have seen.
#pragma once

#include <curl/curl.h>

#include <array>
#include <chrono>
#include <optional>

#include "http/client.hpp"

namespace replica::http {

class Transfer {
 public:
  Transfer();
  ~Transfer();
  Transfer(const Transfer&) = delete;
  Transfer& operator=(const Transfer&) = delete;

  CURL* handle() const noexcept { return easy_; }
  const Request& request() const noexcept { return *request_; }
  // When a byte was last seen to move.
  std::chrono::steady_clock::time_point moved_at() const noexcept { return moved_at_; }

  void prepare(const Request& request, const ClientOptions& options);
  // What came of it, after curl is done.
  Result<Response> result(CURLcode code);
  enum class End { done, failed, silent, dropped };
  // For the count; before result(). No request when not a byte of it was sent.
  RequestTally tally(End how) const;
  Result<Response> silent(std::chrono::milliseconds how_long) const;
  void clear() noexcept;

 private:
  static std::size_t on_read(char* out, std::size_t size, std::size_t count, void* self);
  static std::size_t on_write(char* data, std::size_t size, std::size_t count, void* self);
  static std::size_t on_header(char* data, std::size_t size, std::size_t count, void* self);
  static int on_seek(void* self, curl_off_t offset, int origin);
  static int on_progress(void* self, curl_off_t, curl_off_t received, curl_off_t, curl_off_t sent);

  void set_body(const Request& request);
  void set_proxy(const Request& request);
  void set_trust(const ClientOptions& options);
  Result<std::size_t> read_body(MutableBytes out);
  Result<void> write_body(Bytes data);
  void read_header(std::string_view line);
  Result<void> see_head();
  Error network_error(CURLcode code) const;
  template <class Number>
  void set(CURLoption option, Number value);

  CURL* easy_;
  const Request* request_ = nullptr;
  curl_slist* headers_ = nullptr;
  std::array<char, CURL_ERROR_SIZE> error_text_{};
  Response response_;
  std::optional<Error> failure_;  // of a source, a sink or on_head
  std::uint64_t sent_ = 0;
  curl_off_t moved_ = 0;
  bool head_seen_ = false;
  std::chrono::steady_clock::time_point moved_at_{};
};

}  // namespace replica::http
