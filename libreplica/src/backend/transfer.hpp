// What the backends of this folder share: bodies in, ranges out.
#pragma once

#include "replica/backend.hpp"

namespace replica::backend {

// First step of every operation: nothing happens for a Call that is over or a key that is none.
Result<void> begin(std::string_view operation, std::string_view key, const Call& call);

// Copies exactly body.size() bytes; a body of another length is `corrupt`. Asks `call` before every chunk and at the
// end.
Result<void> copy_body(Source& body, Writer& out, std::string_view key, const Call& call);

// Where the range ends in an object of `size` bytes; out_of_range when that is beyond its end.
Result<std::uint64_t> end_of(ByteRange range, std::uint64_t size, std::string_view key);

Failure not_found(std::string_view key);
Failure key_exists(std::string_view key);  // precondition_failed

}  // namespace replica::backend
