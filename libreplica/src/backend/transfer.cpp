#include "backend/transfer.hpp"

#include <algorithm>

#include "base/text.hpp"

namespace replica::backend {
namespace {

constexpr std::size_t kChunk = std::size_t{256} * 1024;

}  // namespace

Result<void> begin(std::string_view operation, std::string_view key, const Call& call) {
  if (auto valid = check_key(key); !valid) return valid;
  return call.check(base::concat(operation, " ", key));
}

Result<void> copy_body(Source& body, Writer& out, std::string_view key, const Call& call) {
  const std::uint64_t size = body.size();
  // One byte more than announced: a body that is too long must be noticed, not cut.
  std::vector<std::byte> chunk(static_cast<std::size_t>(std::min<std::uint64_t>(size + 1, kChunk)));
  std::uint64_t done = 0;
  for (;;) {
    if (auto going = call.check(base::concat("put ", key)); !going) return going;
    auto got = body.read(chunk);
    if (!got) return pass(got, "read body");
    if (*got == 0) break;
    done += *got;
    if (done > size) break;
    if (auto written = out.write(Bytes(chunk).first(*got)); !written) return written;
  }
  if (done == size) return call.check(base::concat("put ", key));
  return fail(Errc::corrupt,
              base::concat("put ", key, ": body has ", done > size ? "more" : "less", " than ", size, " bytes"));
}

Result<std::uint64_t> end_of(ByteRange range, std::uint64_t size, std::string_view key) {
  const bool inside = range.offset <= size && (!range.length || *range.length <= size - range.offset);
  if (inside) return range.length ? range.offset + *range.length : size;
  return fail(Errc::out_of_range, base::concat("get ", key, ": range ends beyond its ", size, " bytes"));
}

Failure not_found(std::string_view key) {
  return fail(Errc::not_found, base::concat("object ", key, " does not exist"));
}

Failure key_exists(std::string_view key) {
  return fail(Errc::precondition_failed, base::concat("object ", key, " exists already"));
}

}  // namespace replica::backend
