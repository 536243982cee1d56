#include "backend/s3/address.hpp"

#include <array>

#include "backend/endpoint.hpp"
#include "base/text.hpp"
#include "http/message.hpp"

namespace replica::s3 {

using base::concat;

namespace {

std::string_view domain_of(std::string_view region) {
  return region.starts_with("cn-") ? "amazonaws.com.cn" : "amazonaws.com";
}

}  // namespace

std::string Address::url_of(std::string_view encoded_path, std::string_view encoded_query) const {
  return concat(scheme, "://", host, encoded_path, encoded_query.empty() ? "" : "?", encoded_query);
}

bool is_arn(std::string_view bucket) noexcept { return bucket.starts_with("arn:"); }

Result<AccessPoint> parse_access_point(std::string_view arn) {
  std::array<std::string_view, 6> parts;
  std::string_view rest = arn;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const std::size_t colon = i + 1 < parts.size() ? rest.find(':') : rest.size();
    parts.at(i) = rest.substr(0, colon);
    rest = colon < rest.size() ? rest.substr(colon + 1) : std::string_view();
  }
  constexpr std::string_view kKind = "accesspoint/";
  const bool valid = parts[0] == "arn" && parts[2] == "s3" && !parts[3].empty() && !parts[4].empty() &&
                     parts[5].starts_with(kKind) && parts[5].size() > kKind.size() &&
                     parts[5].find('/', kKind.size()) == std::string_view::npos;
  if (!valid) return fail(Errc::invalid_argument, concat("invalid s3 access point arn: ", arn));
  return AccessPoint{.partition = std::string(parts[1]),
                     .region = std::string(parts[3]),
                     .account = std::string(parts[4]),
                     .name = std::string(parts[5].substr(kKind.size()))};
}

Result<Address> address_of(const S3Options& options, std::string_view region) {
  if (is_arn(options.bucket)) {
    auto point = parse_access_point(options.bucket);
    if (!point) return pass(point);
    return Address{.host = concat(point->name, "-", point->account, ".s3-accesspoint.", point->region, ".",
                                  domain_of(point->region)),
                   .path = {}};
  }
  // A certificate for *.s3.REGION.amazonaws.com does not cover a bucket with dots.
  bool in_path = options.path_style || options.bucket.find('.') != std::string::npos;
  Address out{.host = concat("s3.", region, ".", domain_of(region)), .path = {}};
  if (!options.endpoint.empty()) {
    auto parsed = backend::parse_endpoint(options.endpoint);
    if (!parsed) return pass(parsed);
    out = {.scheme = parsed->scheme, .host = parsed->host, .path = parsed->path};
    in_path = options.path_style;
  }
  if (in_path) {
    out.path += "/" + http::percent_encode(options.bucket);
  } else {
    out.host = concat(options.bucket, ".", out.host);
  }
  return out;
}

}  // namespace replica::s3
