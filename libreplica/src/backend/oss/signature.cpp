#include "backend/oss/signature.hpp"

#include <algorithm>

#include "backend/digest.hpp"
#include "backend/s3/sigv4.hpp"
#include "base/text.hpp"
#include "http/status.hpp"

namespace replica::oss {

using backend::bytes_of;
using base::concat;

namespace {

constexpr std::string_view kAlgorithm = "OSS4-HMAC-SHA256";
constexpr std::string_view kUnsigned = "UNSIGNED-PAYLOAD";  // the only one there is
constexpr std::string_view kRequest = "aliyun_v4_request";

std::string lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  return out;
}

std::string value_of(const std::vector<http::Header>& headers, std::string_view name) {
  const auto found = std::find_if(headers.begin(), headers.end(), [&](const auto& h) { return lower(h.name) == name; });
  return found == headers.end() ? std::string() : found->value;
}

// "name:value\n" of the service's own headers, and with `all_that_count` of those that version 4 adds.
std::string canonical_headers(const std::vector<http::Header>& headers, bool all_that_count) {
  std::vector<http::Header> own;
  for (const http::Header& header : headers) {
    const std::string name = lower(header.name);
    const bool counts = name == "content-type" || name == "content-md5";
    if (name.starts_with("x-oss-") || (all_that_count && counts)) own.push_back({.name = name, .value = header.value});
  }
  std::sort(own.begin(), own.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
  std::string out;
  for (const http::Header& header : own) out += concat(header.name, ":", header.value, "\n");
  return out;
}

void add_token(const SigningRequest& request, const Credentials& credentials) {
  if (credentials.session_token.empty()) return;
  request.headers.push_back({.name = "x-oss-security-token", .value = credentials.session_token});
}

// Of the parameters that we send, those that version 1 signs.
bool is_subresource(std::string_view name) {
  constexpr std::string_view kNames[] = {"continuation-token", "partNumber", "uploadId", "uploads"};
  return std::find(std::begin(kNames), std::end(kNames), name) != std::end(kNames);
}

std::string resource_v1(const SigningRequest& request) {
  std::string out = concat("/", request.bucket, "/", request.key);
  Query query = request.query;
  std::erase_if(query, [](const auto& one) { return !is_subresource(one.first); });
  std::sort(query.begin(), query.end());
  char separator = '?';
  for (const auto& [name, value] : query) {
    out += std::exchange(separator, '&') + name;
    if (!value.empty()) out += "=" + value;
  }
  return out;
}

}  // namespace

std::string encode_query(Query query) {
  for (auto& [name, value] : query) {
    name = http::percent_encode(name);
    value = http::percent_encode(value);
  }
  std::sort(query.begin(), query.end());
  std::string out;
  for (const auto& [name, value] : query) {
    if (!out.empty()) out += '&';
    out += value.empty() ? name : concat(name, "=", value);
  }
  return out;
}

void sign_v4(const SigningRequest& request, const Credentials& credentials, std::string_view region, Timestamp time) {
  const std::string date_time = s3::compact_time(time), date = date_time.substr(0, 8);
  request.headers.push_back({.name = "x-oss-date", .value = date_time});
  request.headers.push_back({.name = "x-oss-content-sha256", .value = std::string(kUnsigned)});
  add_token(request, credentials);
  const std::string uri = http::percent_encode(concat("/", request.bucket, "/", request.key), true);
  const std::string canonical = concat(request.method, "\n", uri, "\n", encode_query(request.query), "\n",
                                       canonical_headers(request.headers, true), "\n\n", kUnsigned);
  const std::string scope = concat(date, "/", region, "/oss/", kRequest);
  const std::string text =
      concat(kAlgorithm, "\n", date_time, "\n", scope, "\n", backend::hex_of(backend::sha256(bytes_of(canonical))));
  auto key = backend::hmac_sha256(bytes_of(concat("aliyun_v4", credentials.secret_access_key)), bytes_of(date));
  for (const std::string_view part : {region, std::string_view("oss"), kRequest})
    key = backend::hmac_sha256(key, bytes_of(part));
  request.headers.push_back(
      {.name = "Authorization",
       .value = concat(kAlgorithm, " Credential=", credentials.access_key_id, "/", scope,
                       ",Signature=", backend::hex_of(backend::hmac_sha256(key, bytes_of(text))))});
}

void sign_v1(const SigningRequest& request, const Credentials& credentials, Timestamp time) {
  const std::string date = http::http_date(time);
  request.headers.push_back({.name = "Date", .value = date});
  add_token(request, credentials);
  const std::string text = concat(request.method, "\n", value_of(request.headers, "content-md5"), "\n",
                                  value_of(request.headers, "content-type"), "\n", date, "\n",
                                  canonical_headers(request.headers, false), resource_v1(request));
  const auto signature = backend::hmac_sha1(bytes_of(credentials.secret_access_key), bytes_of(text));
  request.headers.push_back({.name = "Authorization",
                             .value = concat("OSS ", credentials.access_key_id, ":", backend::base64_of(signature))});
}

}  // namespace replica::oss
