// Where a bucket is: the host and the path in front of the keys. Pure.
#pragma once

#include <string>

#include "replica/backends/s3.hpp"

namespace replica::s3 {

struct Address {
  std::string scheme = "https", host;  // host[:port]
  std::string path;                    // "" or "/bucket"; encoded

  std::string url_of(std::string_view encoded_path, std::string_view encoded_query) const;
};

// invalid_argument for an endpoint that is no URL, or a malformed access point.
Result<Address> address_of(const S3Options& options, std::string_view region);

// "arn:aws:s3:REGION:ACCOUNT:accesspoint/NAME"
struct AccessPoint {
  std::string partition, region, account, name;
};
bool is_arn(std::string_view bucket) noexcept;
Result<AccessPoint> parse_access_point(std::string_view arn);

}  // namespace replica::s3
