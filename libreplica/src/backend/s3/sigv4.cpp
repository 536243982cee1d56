#include "backend/s3/sigv4.hpp"

#include <algorithm>

#include "backend/digest.hpp"
#include "base/text.hpp"

namespace replica::s3 {

using backend::bytes_of;
using backend::hex_of;
using backend::hmac_sha256;
using base::concat;

namespace {

constexpr std::string_view kAlgorithm = "AWS4-HMAC-SHA256";

std::string lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  return out;
}

// Without spaces at the ends, and one for each run of them.
std::string squeezed(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const bool space = c == ' ' || c == '\t';
    if (!space) {
      out += c;
    } else if (!out.empty() && out.back() != ' ') {
      out += ' ';
    }
  }
  if (!out.empty() && out.back() == ' ') out.pop_back();
  return out;
}

std::vector<http::Header> canonical_headers(const std::vector<http::Header>& headers) {
  std::vector<http::Header> out;
  out.reserve(headers.size());
  for (const http::Header& header : headers)
    out.push_back({.name = lower(header.name), .value = squeezed(header.value)});
  std::sort(out.begin(), out.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
  return out;
}

std::string signed_names(const std::vector<http::Header>& canonical) {
  std::string out;
  for (const http::Header& header : canonical) {
    if (!out.empty()) out += ';';
    out += header.name;
  }
  return out;
}

std::string scope_text(const SigningScope& scope) {
  return concat(compact_time(scope.time).substr(0, 8), "/", scope.region, "/", scope.service, "/aws4_request");
}

}  // namespace

std::string compact_time(Timestamp time) {
  std::string text = to_rfc3339(std::chrono::floor<std::chrono::seconds>(time));
  std::erase_if(text, [](char c) { return c == '-' || c == ':'; });
  return text;
}

std::string encode_query(Query query) {
  for (auto& [name, value] : query) {
    name = http::percent_encode(name);
    value = http::percent_encode(value);
  }
  std::sort(query.begin(), query.end());
  std::string out;
  for (const auto& [name, value] : query) {
    if (!out.empty()) out += '&';
    out += concat(name, "=", value);
  }
  return out;
}

std::string canonical_request(const SigningRequest& request) {
  const auto headers = canonical_headers(request.headers);
  std::string out = concat(request.method, "\n", request.path, "\n", encode_query(request.query), "\n");
  for (const http::Header& header : headers) out += concat(header.name, ":", header.value, "\n");
  return out + concat("\n", signed_names(headers), "\n", request.payload_hash);
}

std::string string_to_sign(std::string_view canonical_request, const SigningScope& scope) {
  return concat(kAlgorithm, "\n", compact_time(scope.time), "\n", scope_text(scope), "\n",
                hex_of(backend::sha256(bytes_of(canonical_request))));
}

std::string signature(std::string_view string_to_sign, std::string_view secret, const SigningScope& scope) {
  const std::string date = compact_time(scope.time).substr(0, 8);
  auto key = hmac_sha256(bytes_of(concat("AWS4", secret)), bytes_of(date));
  for (const std::string_view part : {scope.region, scope.service, std::string_view("aws4_request")})
    key = hmac_sha256(key, bytes_of(part));
  return hex_of(hmac_sha256(key, bytes_of(string_to_sign)));
}

void sign(const SigningRequest& request, const Credentials& credentials, const SigningScope& scope) {
  auto& headers = request.headers;
  headers.push_back({.name = "x-amz-date", .value = compact_time(scope.time)});
  headers.push_back({.name = "x-amz-content-sha256", .value = std::string(request.payload_hash)});
  if (!credentials.session_token.empty())
    headers.push_back({.name = "x-amz-security-token", .value = credentials.session_token});
  const std::string names = signed_names(canonical_headers(headers));
  const std::string text = string_to_sign(canonical_request(request), scope);
  headers.push_back({.name = "Authorization",
                     .value = concat(kAlgorithm, " Credential=", credentials.access_key_id, "/", scope_text(scope),
                                     ",SignedHeaders=", names,
                                     ",Signature=", signature(text, credentials.secret_access_key, scope))});
}

}  // namespace replica::s3
