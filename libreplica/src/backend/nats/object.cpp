#include "backend/nats/object.hpp"

#include <openssl/evp.h>

#include <boost/json.hpp>
#include <random>

#include "base/text.hpp"

namespace replica::backend::nats {
namespace {

namespace json = boost::json;

constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
// The peer's, in the headers of the description.
constexpr std::string_view kTimestamp = "Litestream-Timestamp";

int value_of(char c) {
  if (c == '-') c = '+';
  if (c == '_') c = '/';
  const auto at = kAlphabet.find(c);
  return at == std::string_view::npos ? -1 : static_cast<int>(at);
}

// JSON must be UTF-8, keys need not be; whoever reads goes by the subject.
std::string printable(std::string_view key) {
  std::string out(key), plain(key);
  for (char& c : plain) c = c == '"' || c == '\\' ? '?' : c;
  json::error_code error;
  json::parse(base::concat("\"", plain, "\""), error);
  for (char& c : out) {
    if (error && static_cast<unsigned char>(c) >= 0x80) c = '?';
  }
  return out;
}

std::uint64_t number(const json::object& in, std::string_view name) {
  const json::value* found = in.if_contains(name);
  if (found == nullptr) return 0;
  json::error_code error;
  const auto value = found->to_number<std::uint64_t>(error);
  return error ? 0 : value;
}

std::string text(const json::object& in, std::string_view name) {
  const json::value* found = in.if_contains(name);
  return found != nullptr && found->is_string() ? std::string(found->as_string()) : std::string();
}

std::optional<Timestamp> time_of(const json::object& in) {
  const json::value* headers = in.if_contains("headers");
  if (headers == nullptr || !headers->is_object()) return {};
  const json::value* values = headers->as_object().if_contains(kTimestamp);
  if (values == nullptr || !values->is_array() || values->as_array().empty()) return {};
  const json::value& first = values->as_array().front();
  if (!first.is_string()) return {};
  auto time = parse_rfc3339(std::string_view(first.as_string()));
  return time ? std::optional(*time) : std::nullopt;
}

}  // namespace

std::string encode_base64(Bytes data, bool for_urls) {
  std::string out;
  for (std::size_t i = 0; i < data.size(); i += 3) {
    std::uint32_t group = 0;
    for (std::size_t k = 0; k < 3; ++k) {
      group = group << 8U | (i + k < data.size() ? std::to_integer<std::uint32_t>(data[i + k]) : 0);
    }
    for (std::size_t k = 0; k < 4; ++k) {
      out += i + k <= data.size() ? kAlphabet[group >> (18 - 6 * k) & 63U] : '=';
    }
  }
  if (for_urls) {
    for (char& c : out) c = c == '+' ? '-' : c == '/' ? '_' : c;
  }
  return out;
}

std::optional<std::string> decode_base64(std::string_view text) {
  while (text.ends_with('=')) text.remove_suffix(1);
  std::string out;
  std::uint32_t bits = 0;
  int count = 0;
  for (const char c : text) {
    const int value = value_of(c);
    if (value < 0) return {};
    bits = (bits << 6U | static_cast<std::uint32_t>(value)) & 0xffffffU;
    count += 6;
    if (count < 8) continue;
    count -= 8;
    out += static_cast<char>(bits >> static_cast<unsigned>(count) & 0xffU);
  }
  return out;
}

Names::Names(const std::string& name)
    : bucket(name),
      stream("OBJ_" + name),
      all_meta(base::concat("$O.", name, ".M.>")),
      all_chunks(base::concat("$O.", name, ".C.>")) {}

std::string Names::meta(std::string_view key) const {
  return base::concat("$O.", bucket, ".M.", encode_base64(std::as_bytes(std::span(key)), true));
}

std::string Names::chunks(std::string_view id) const { return base::concat("$O.", bucket, ".C.", id); }

std::optional<std::string> Names::key_of(std::string_view subject) const {
  const std::string_view before(all_meta.data(), all_meta.size() - 1);
  if (!subject.starts_with(before)) return {};
  return decode_base64(subject.substr(before.size()));
}

std::string Object::to_json(std::string_view key, std::string_view bucket, std::size_t chunk_size) const {
  json::object made;
  made["name"] = printable(key);
  if (modified_at) made["headers"] = json::object{{kTimestamp, json::array{to_rfc3339(*modified_at)}}};
  made["options"] = json::object{{"max_chunk_size", chunk_size}};
  made["bucket"] = bucket;
  made["nuid"] = id;
  made["size"] = size;
  made["mtime"] = to_rfc3339(modified_at.value_or(Timestamp{}));
  made["chunks"] = chunks;
  made["digest"] = digest;
  return json::serialize(made);
}

std::optional<Object> Object::parse(std::string_view text_of) {
  json::error_code error;
  const json::value parsed = json::parse(text_of, error);
  if (error || !parsed.is_object()) return {};
  const json::object& in = parsed.as_object();
  Object found;
  found.id = text(in, "nuid");
  found.size = number(in, "size");
  found.chunks = number(in, "chunks");
  found.digest = text(in, "digest");
  const json::value* deleted = in.if_contains("deleted");
  found.deleted = deleted != nullptr && deleted->is_bool() && deleted->as_bool();
  const json::value* options = in.if_contains("options");
  found.is_link = options != nullptr && options->is_object() && options->as_object().contains("link");
  found.modified_at = time_of(in);
  return found;
}

std::string new_id() {
  static constexpr std::string_view kDigits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
  std::random_device random;
  std::uniform_int_distribution<std::size_t> digit(0, kDigits.size() - 1);
  std::string id(22, '0');
  for (char& c : id) c = kDigits[digit(random)];
  return id;
}

Digest::Digest() : context_(EVP_MD_CTX_new()) {
  EVP_DigestInit_ex(static_cast<EVP_MD_CTX*>(context_), EVP_sha256(), nullptr);
}
Digest::~Digest() { EVP_MD_CTX_free(static_cast<EVP_MD_CTX*>(context_)); }
void Digest::add(Bytes data) { EVP_DigestUpdate(static_cast<EVP_MD_CTX*>(context_), data.data(), data.size()); }

std::string Digest::text() {
  std::array<unsigned char, EVP_MAX_MD_SIZE> hash{};
  unsigned size = 0;
  EVP_DigestFinal_ex(static_cast<EVP_MD_CTX*>(context_), hash.data(), &size);
  return "SHA-256=" + encode_base64(std::as_bytes(std::span(hash.data(), size)), true);
}

}  // namespace replica::backend::nats
