// What the blob service of Azure answers, connection strings, and the addresses of replicas. The first byte says which.
#include "backend/azure/errors.hpp"
#include "backend/azure/xml.hpp"
#include "config/stores.hpp"
#include "fuzz/fuzz.hpp"
#include "replica/backends/azure.hpp"

namespace {

namespace azure = replica::azure;

void check_listing(std::string_view text) {
  const auto page = azure::parse_listing(text);
  if (!page) return fuzz::require(!page.error().message.empty(), "an error says what is wrong");
  for (const replica::ObjectInfo& blob : page->blobs) fuzz::require(!blob.key.empty(), "a blob has a name");
}

void check_error(std::string_view text) {
  const auto error = azure::store_error({.status = 404, .headers = {}, .body = std::string(text)}, "stat k");
  if (error.code == replica::Errc::not_found)
    fuzz::require(azure::parse_error(text).code == "BlobNotFound", "only a missing blob is not there");
  fuzz::require(error.message.find('\n') == std::string::npos, "an error is one line");
}

void check_connection_string(std::string_view text) {
  const auto options = replica::parse_azure_connection_string(text);
  if (options) fuzz::require(!options->endpoint.empty(), "there is an endpoint");
}

void check_address(std::string_view text) {
  const auto settings = config::replica_at("abs://" + std::string(text));
  if (!settings) return;
  fuzz::require(!settings->store->bucket.empty(), "there is a container");
  const auto again = config::replica_at(settings->location);
  fuzz::require(again && again->location == settings->location, "what is shown shows itself");
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
      check_error(text);
      break;
    case 'c':
      check_connection_string(text);
      break;
    default:
      check_address(text);
  }
  return 0;
}
