// What Google Cloud Storage and WebDAV servers answer, and the addresses of replicas there. The first byte says which.
#include "backend/gcs/answers.hpp"
#include "backend/webdav/auth.hpp"
#include "backend/webdav/multistatus.hpp"
#include "config/stores.hpp"
#include "fuzz/fuzz.hpp"

namespace {

void check_listing(std::string_view text) {
  const auto page = replica::gcs::parse_listing(text);
  if (!page) return fuzz::require(!page.error().message.empty(), "an error says what is wrong");
  for (const replica::ObjectInfo& object : page->objects) fuzz::require(!object.key.empty(), "an object has a key");
}

void check_multistatus(std::string_view text) {
  const auto found = replica::webdav::parse_multistatus(text);
  if (!found) return fuzz::require(!found.error().message.empty(), "an error says what is wrong");
  for (const replica::webdav::Resource& one : *found)
    fuzz::require(one.is_folder ? one.size == 0 : true, "a folder has no size");
}

void check_challenge(std::string_view text) {
  const replica::http::Response refused{
      .status = 401, .headers = {{"www-authenticate", std::string(text)}}, .body = {}};
  const auto challenge = replica::webdav::choose_challenge(refused);
  if (!challenge || challenge->scheme != replica::webdav::Challenge::Scheme::digest) return;
  const std::string header =
      replica::webdav::digest_header(*challenge, "user", "hush", {.method = "GET", .uri = "/", .cnonce = "c"});
  fuzz::require(header.find("hush") == std::string::npos || text.find("hush") != std::string_view::npos,
                "a digest does not show the password");
}

void check_address(const std::string& url) {
  const auto settings = config::replica_at(url);
  if (!settings) return;
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
    case 'o':
      static_cast<void>(replica::gcs::parse_object(text));
      break;
    case 'e':
      static_cast<void>(replica::gcs::store_error({.status = 403, .headers = {}, .body = std::string(text)}, "x"));
      break;
    case 'm':
      check_multistatus(text);
      break;
    case 'a':
      check_challenge(text);
      break;
    case 'g':
      check_address("gs://" + std::string(text));
      break;
    default:
      check_address("webdav://" + std::string(text));
  }
  return 0;
}
