// What S3's error codes mean to a caller.
#pragma once

#include "backend/s3/xml.hpp"
#include "http/message.hpp"

namespace replica::s3 {

// For an answer that is none of 2xx, or one whose body is an error all the same. not_found only for NoSuchKey: a store
// that is not there, or is none, must not look empty.
Error store_error(const http::Response& response, std::string_view what);

// The answer says that credentials are not (or no longer) good: others may be.
bool is_about_credentials(const http::Response& response);

// The region that the answer says the bucket is in; empty when it says none.
std::string region_in(const http::Response& response);

}  // namespace replica::s3
