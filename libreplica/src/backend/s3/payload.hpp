// Bodies on their way: hashed before they are sent, cut into parts.
#pragma once

#include "backend/s3/sigv4.hpp"
#include "replica/clock.hpp"

namespace replica::s3 {

struct PayloadHash {
  std::string sha256;  // hex, or kUnsignedPayload
  std::string md5;     // base64, or empty
};

// Reads the whole body, which is rewound; one of another length than it says is `corrupt`. With neither hash wanted it
// is not read.
Result<PayloadHash> hash_body(Source& body, std::string_view key, bool unsigned_payload, bool with_md5,
                              const Call& call);

// The same of bytes in memory.
PayloadHash hash_bytes(Bytes data, bool unsigned_payload, bool with_md5);

}  // namespace replica::s3
