#include "backend/azure/xml.hpp"

#include <pugixml.hpp>

#include "backend/azure/metadata.hpp"
#include "backend/ranged_get.hpp"
#include "base/text.hpp"
#include "http/status.hpp"

namespace replica::azure {
namespace {

Failure damaged(std::string_view what) {
  return fail(Errc::unavailable, base::concat("the answer is no ", what, " of a blob store"),
              "is the endpoint that of a blob store?");
}

// False unless it is a document whose root has that name.
bool load(pugi::xml_document& document, std::string_view text, const char* root) {
  // A name may be a blank.
  const unsigned options = pugi::parse_default | pugi::parse_ws_pcdata_single;
  const auto parsed = document.load_buffer(text.data(), text.size(), options, pugi::encoding_utf8);
  return parsed && std::string_view(document.document_element().name()) == root;
}

std::string_view value_of(const pugi::xml_node& node, const char* name) { return node.child(name).text().get(); }

bool is_folder(const pugi::xml_node& blob) {
  return value_of(blob.child("Properties"), "ResourceType") == "directory" ||
         value_of(blob.child("Metadata"), "hdi_isfolder") == "true";
}

std::optional<Timestamp> kept_time(const pugi::xml_node& blob) {
  for (const pugi::xml_node& one : blob.child("Metadata").children()) {
    if (is_timestamp_name(one.name())) return parse_kept_time(one.text().get());
  }
  return std::nullopt;
}

Result<ObjectInfo> parse_blob(const pugi::xml_node& blob) {
  const pugi::xml_node properties = blob.child("Properties");
  ObjectInfo object;
  const std::string_view name = value_of(blob, "Name");
  const auto size = backend::parse_number(value_of(properties, "Content-Length"));
  auto time = kept_time(blob);
  if (!time) time = http::parse_http_date(value_of(properties, "Last-Modified"));
  if (name.empty() || !size || !time) return damaged("listing");
  const bool encoded = blob.child("Name").attribute("Encoded").as_bool();
  object.key = encoded ? http::percent_decode(name) : std::string(name);
  object.size = *size;
  object.modified_at = *time;
  return object;
}

}  // namespace

ErrorAnswer parse_error(std::string_view text) {
  pugi::xml_document document;
  if (!load(document, text, "Error")) return {};
  const pugi::xml_node error = document.document_element();
  return {.code = std::string(value_of(error, "Code")), .message = std::string(value_of(error, "Message"))};
}

Result<ListingPage> parse_listing(std::string_view text) {
  pugi::xml_document document;
  if (!load(document, text, "EnumerationResults")) return damaged("listing");
  const pugi::xml_node root = document.document_element();
  if (!root.child("Blobs")) return damaged("listing");
  ListingPage page;
  for (const pugi::xml_node& node : root.child("Blobs").children("Blob")) {
    if (is_folder(node)) continue;
    auto object = parse_blob(node);
    if (!object) return pass(object);
    page.blobs.push_back(std::move(*object));
  }
  page.next = value_of(root, "NextMarker");
  return page;
}

std::string block_list(const std::vector<std::string>& ids) {
  std::string out = "<?xml version=\"1.0\" encoding=\"utf-8\"?><BlockList>";
  for (const std::string& id : ids) out += base::concat("<Uncommitted>", id, "</Uncommitted>");
  return out + "</BlockList>";
}

}  // namespace replica::azure
