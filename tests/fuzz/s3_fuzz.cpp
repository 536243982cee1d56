// What S3 stores and those who give credentials answer, and the addresses of replicas. The first byte says which.
#include "backend/s3/flat_json.hpp"
#include "backend/s3/profile.hpp"
#include "backend/s3/xml.hpp"
#include "config/stores.hpp"
#include "fuzz/fuzz.hpp"
#include "http/status.hpp"

namespace {

namespace s3 = replica::s3;

void check_listing(std::string_view text) {
  const auto page = s3::parse_listing(text);
  if (!page) return fuzz::require(!page.error().message.empty(), "an error says what is wrong");
  for (const replica::ObjectInfo& object : page->objects) fuzz::require(!object.key.empty(), "an object has a key");
}

void check_profile(std::string_view text) {
  for (const bool is_config : {false, true}) {
    s3::Profile profile;
    s3::read_profile(text, "default", is_config, profile);
    fuzz::require(profile.region.find('\n') == std::string::npos, "a value is one line");
  }
}

void check_address(std::string_view text) {
  const auto settings = config::replica_at("s3://" + std::string(text));
  if (!settings) return;
  fuzz::require(!settings->store->bucket.empty(), "there is a bucket");
  // A bucket whose own name is that of a provider's host would be taken for one.
  if (settings->store->bucket.find('.') != std::string::npos) return;
  const auto again = config::replica_at(settings->location);
  if (again) fuzz::require(again->location == settings->location, "what is shown shows itself");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view text = fuzz::text(data + 1, size - 1);
  switch (data[0]) {
    case 'l':
      check_listing(text);
      break;
    case 'e':
      static_cast<void>(s3::parse_error(text));
      static_cast<void>(s3::parse_upload_id(text));
      break;
    case 'j':
      static_cast<void>(s3::parse_flat_json(text));
      break;
    case 'p':
      check_profile(text);
      break;
    case 'u':
      check_address(text);
      break;
    default:
      static_cast<void>(
          replica::http::retry_after({.status = 503, .headers = {{"retry-after", std::string(text)}}, .body = {}}));
  }
  return 0;
}
