// Addresses of S3 replicas, in all the forms that the peer takes.
#include <algorithm>
#include <charconv>

#include "config/s3_store.hpp"
#include "config/url.hpp"

namespace config {

using replica::Errc;
using replica::fail;
using replica::Result;

namespace {

bool is_truth(std::string_view text) { return text == "true" || text == "1" || text == "t" || text == "yes"; }

// A parameter's camel case name as the key of the file: "forcePathStyle" → "force-path-style", "requireContentMD5" →
// "require-content-md5".
std::string key_name(std::string_view name) {
  std::string out;
  bool upper_before = true;
  for (const char c : name) {
    const bool upper = c >= 'A' && c <= 'Z';
    if (upper && !upper_before) out += '-';
    out += upper ? static_cast<char>(c - 'A' + 'a') : c;
    upper_before = upper;
  }
  return out;
}

template <class Number>
Result<Number> positive(const std::string& name, const std::string& text) {
  Number value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value < 1)
    return fail(Errc::invalid_argument,
                "invalid value for query parameter \"" + name + "\": \"" + text + "\" (must be a positive integer)");
  return value;
}

Result<void> read_parameter(const std::string& name, const std::string& value, StoreSettings& out) {
  const std::string key = key_name(name);
  const std::pair<std::string_view, std::string*> texts[] = {
      {"endpoint", &out.endpoint},
      {"region", &out.region},
      {"storage-class", &out.storage_class},
      {"sse-kms-key-id", &out.sse_kms_key_id},
      {"sse-customer-algorithm", &out.sse_customer_algorithm},
      {"sse-customer-key-path", &out.sse_customer_key_path},
  };
  const std::pair<std::string_view, std::optional<bool>*> switches[] = {
      {"force-path-style", &out.force_path_style},
      {"skip-verify", &out.skip_verify},
      {"sign-payload", &out.sign_payload},
      {"require-content-md5", &out.require_content_md5},
      {"sign-accept-encoding", &out.sign_accept_encoding},
  };
  for (const auto& [known, place] : texts) {
    if (known == key) *place = value;
  }
  for (const auto& [known, place] : switches) {
    if (known == key) *place = is_truth(value);
  }
  if (key == "part-size") {
    auto size = positive<std::uint64_t>(name, value);
    if (!size) return replica::pass(size);
    out.part_size = Size{*size};
  } else if (key == "concurrency") {
    auto number = positive<int>(name, value);
    if (!number) return replica::pass(number);
    out.concurrency = *number;
  }
  return {};
}

std::string_view without_port(std::string_view host) { return host.substr(0, host.rfind(':')); }

// "BUCKET.MIDDLE[REGION]TAIL": takes bucket and region out of a host of that form.
struct Provider {
  std::string_view middle, tail;
  bool has_region, is_amazon, path_style;
};
constexpr Provider kProviders[] = {
    {".s3.", ".amazonaws.com", true, true, false}, {".s3.", ".backblazeb2.com", true, false, true},
    {".s3.", ".scw.cloud", true, false, false},    {".", ".digitaloceanspaces.com", true, false, false},
    {".s3.amazonaws.com", "", false, true, false}, {".s3.filebase.com", "", false, false, true},
};

bool take_provider(std::string_view host, const Provider& provider, StoreSettings& out) {
  std::string_view rest = host;
  if (!rest.ends_with(provider.tail)) return false;
  rest.remove_suffix(provider.tail.size());
  if (!provider.has_region) {
    if (!rest.ends_with(provider.middle) || rest.size() == provider.middle.size()) return false;
    out.bucket = rest.substr(0, rest.size() - provider.middle.size());
  } else {
    const std::size_t at = rest.rfind(provider.middle);
    const std::size_t region = at + provider.middle.size();
    if (at == std::string_view::npos || at == 0 || region == rest.size()) return false;
    if (rest.find('.', region) != std::string_view::npos) return false;
    out.bucket = rest.substr(0, at);
    if (out.region.empty()) out.region = rest.substr(region);
  }
  if (provider.is_amazon) return true;
  if (out.endpoint.empty()) out.endpoint = "https://" + std::string(host.substr(out.bucket.size() + 1));
  if (provider.path_style) out.force_path_style = true;
  return true;
}

void read_host(std::string_view host, StoreSettings& out) {
  for (const Provider& provider : kProviders) {
    if (take_provider(host, provider, out)) return;
  }
  const std::size_t dot = host.find('.');
  const bool own_server = host.find(':') != std::string_view::npos && host.find(".com") == std::string_view::npos;
  if (!own_server || dot == std::string_view::npos) {
    out.bucket = host;
    return;
  }
  out.bucket = host.substr(0, dot);
  if (out.endpoint.empty()) out.endpoint = "http://" + std::string(host.substr(dot + 1));
  if (out.region.empty()) out.region = "us-east-1";
  out.force_path_style = true;
}

// s3://arn:aws:s3:REGION:ACCOUNT:accesspoint/NAME/PATH
Result<S3Place> parse_access_point_url(const Url& url) {
  S3Place out;
  const std::string text = url.host + url.path;
  const std::size_t name = text.find("accesspoint/");
  const std::size_t begin = name == std::string::npos ? name : name + std::string_view("accesspoint/").size();
  const std::string bucket = text.substr(0, begin == std::string::npos ? begin : text.find('/', begin));
  const auto part = [&](int index) {
    std::string_view rest = bucket;
    for (int i = 0; i < index && !rest.empty(); ++i) rest.remove_prefix(std::min(rest.find(':'), rest.size() - 1) + 1);
    return rest.substr(0, rest.find(':'));
  };
  const bool valid =
      begin != std::string::npos && bucket.size() > begin && part(2) == "s3" && !part(3).empty() && !part(4).empty();
  if (!valid) return fail(Errc::invalid_argument, "invalid s3 access point arn: " + text);
  out.store.bucket = bucket;
  out.store.region = part(3);
  out.path = clean_key_path(std::string_view(text).substr(bucket.size()));
  return out;
}

}  // namespace

bool is_local_host(std::string_view host) noexcept {
  if (host.starts_with('[')) return host.starts_with("[::1]");
  host = without_port(host);
  if (host == "localhost" || host == "127.0.0.1" || host.ends_with(".local") || host.ends_with(".localhost"))
    return true;
  if (host.starts_with("10.") || host.starts_with("192.168.")) return true;
  if (!host.starts_with("172.")) return false;
  int second = 0;
  std::from_chars(host.data() + 4, host.data() + host.size(), second);
  return second >= 16 && second <= 31;
}

Result<S3Place> parse_s3_url(const std::string& url) {
  auto parts = parse_url(url);
  if (!parts) return replica::pass(parts);
  if (!parts->user.empty() || !parts->password.empty())
    return fail(Errc::invalid_argument, "an s3 address takes no user and password",
                "set access-key-id and secret-access-key, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY");
  S3Place out;
  if (parts->host.starts_with("arn:")) {
    auto point = parse_access_point_url(*parts);
    if (!point) return point;
    out = std::move(*point);
  }
  for (const auto& [name, value] : parts->query) {
    if (auto read = read_parameter(name, value, out.store); !read) return replica::pass(read);
  }
  if (!out.store.endpoint.empty()) {
    const std::string& endpoint = out.store.endpoint;
    if (endpoint.find("://") == std::string::npos)
      out.store.endpoint = (is_local_host(endpoint) ? "http://" : "https://") + endpoint;
    if (!out.store.force_path_style) out.store.force_path_style = true;
  }
  if (!out.store.bucket.empty()) return out;
  read_host(parts->host, out.store);
  out.path = parts->path.empty() ? "." : clean_key_path(parts->path);
  return out;
}

}  // namespace config
