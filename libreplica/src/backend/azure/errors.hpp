// What the error codes of the blob service mean to a caller.
#pragma once

#include "http/message.hpp"

namespace replica::azure {

// The code of an answer that is no success: its header x-ms-error-code, else what the body says.
std::string error_code_of(const http::Response& response);

// For an answer that is none of 2xx. not_found only for BlobNotFound: a store that is not there, or is none, must not
// look empty. Texts of the store that repeat signatures or tokens are left out.
Error store_error(const http::Response& response, std::string_view what);

}  // namespace replica::azure
