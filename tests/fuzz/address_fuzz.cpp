// Addresses of SFTP and NATS replicas. The first byte says which.
#include "config/stores.hpp"
#include "fuzz/fuzz.hpp"

namespace {

void check(const std::string& url) {
  const auto settings = config::replica_at(url);
  if (!settings) return fuzz::require(!settings.error().message.empty(), "an error says what is wrong");
  // What is shown leads to the same place, and shows itself.
  const auto again = config::replica_at(settings->location);
  fuzz::require(again.has_value(), "what is shown is an address");
  fuzz::require(again->location == settings->location, "what is shown shows itself");
  fuzz::require(again->key_prefix == settings->key_prefix, "the directory is the same");
  fuzz::require(again->store->bucket == settings->store->bucket, "the bucket is the same");
  fuzz::require(again->store->password.empty() && again->store->token.empty(), "no secret is shown");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string text(fuzz::text(data + 1, size - 1));
  check((data[0] == 's' ? "sftp://" : "nats://") + text);
  return 0;
}
