#include "backend/azure/shared_key.hpp"

#include <algorithm>

#include "backend/digest.hpp"
#include "base/text.hpp"

namespace replica::azure {

using base::concat;

namespace {

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

std::string canonical_headers(const std::vector<http::Header>& headers) {
  std::vector<http::Header> own;
  for (const http::Header& header : headers) {
    std::string name = lower(header.name);
    if (name.starts_with("x-ms-")) own.push_back({.name = std::move(name), .value = header.value});
  }
  std::sort(own.begin(), own.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
  std::string out;
  for (const http::Header& header : own) out += concat(header.name, ":", header.value, "\n");
  return out;
}

std::string canonical_resource(const SigningRequest& request, std::string_view account) {
  Query query = request.query;
  for (auto& [name, value] : query) name = lower(name);
  std::sort(query.begin(), query.end());
  std::string out = concat("/", account, request.path);
  for (const auto& [name, value] : query) out += concat("\n", name, ":", value);
  return out;
}

}  // namespace

std::string encode_query(const Query& query) {
  std::string out;
  for (const auto& [name, value] : query) {
    if (!out.empty()) out += '&';
    out += concat(http::percent_encode(name), "=", http::percent_encode(value));
  }
  return out;
}

std::string string_to_sign(const SigningRequest& request, std::string_view account) {
  constexpr std::string_view kBeforeLength[] = {"content-encoding", "content-language"};
  constexpr std::string_view kAfterLength[] = {"content-md5",         "content-type", "date",
                                               "if-modified-since",   "if-match",     "if-none-match",
                                               "if-unmodified-since", "range"};
  std::string out = concat(request.method, "\n");
  for (const auto name : kBeforeLength) out += value_of(request.headers, name) + "\n";
  out += request.content_length == 0 ? "\n" : concat(request.content_length, "\n");
  for (const auto name : kAfterLength) out += value_of(request.headers, name) + "\n";
  return out + canonical_headers(request.headers) + canonical_resource(request, account);
}

std::string authorization(const SigningRequest& request, std::string_view account, Bytes key) {
  const auto signature = backend::hmac_sha256(key, backend::bytes_of(string_to_sign(request, account)));
  return concat("SharedKey ", account, ":", backend::base64_of(signature));
}

}  // namespace replica::azure
