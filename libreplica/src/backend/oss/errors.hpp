// What the error codes of OSS mean to a caller.
#pragma once

#include "http/message.hpp"

namespace replica::oss {

// For an answer that is none of 2xx, or one whose body is an error all the same. not_found only for NoSuchKey.
Error store_error(const http::Response& response, std::string_view what);

}  // namespace replica::oss
