#include "backend/s3/xml.hpp"

#include <charconv>
#include <pugixml.hpp>

#include "base/text.hpp"
#include "http/message.hpp"

namespace replica::s3 {
namespace {

Failure damaged(std::string_view what) {
  return fail(Errc::unavailable, base::concat("the answer is no ", what, " of S3"),
              "is the endpoint that of an S3 store?");
}

// False unless it is a document whose root has that name.
bool load(pugi::xml_document& document, std::string_view text, const char* root) {
  const auto parsed = document.load_buffer(text.data(), text.size(), pugi::parse_default, pugi::encoding_utf8);
  return parsed && std::string_view(document.document_element().name()) == root;
}

std::string_view value_of(const pugi::xml_node& node, const char* name) { return node.child(name).text().get(); }

std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '&') {
      out += "&amp;";
    } else if (c == '<') {
      out += "&lt;";
    } else if (c == '>') {
      out += "&gt;";
    } else {
      out += c;
    }
  }
  return out;
}

Result<ObjectInfo> parse_object(const pugi::xml_node& node, bool encoded) {
  ObjectInfo object;
  const std::string_view key = value_of(node, "Key"), size = value_of(node, "Size");
  const auto [end, error] = std::from_chars(size.data(), size.data() + size.size(), object.size);
  if (key.empty() || size.empty() || error != std::errc() || end != size.data() + size.size())
    return damaged("listing");
  auto time = parse_rfc3339(value_of(node, "LastModified"));
  if (!time) return damaged("listing");
  object.modified_at = *time;
  object.key = encoded ? http::percent_decode(key) : std::string(key);
  return object;
}

}  // namespace

ErrorAnswer parse_error(std::string_view text) {
  pugi::xml_document document;
  if (!load(document, text, "Error")) return {};
  const pugi::xml_node error = document.document_element();
  return {.code = std::string(value_of(error, "Code")),
          .message = std::string(value_of(error, "Message")),
          .region = std::string(value_of(error, "Region"))};
}

Result<ListingPage> parse_listing(std::string_view text, bool encoded_token) {
  pugi::xml_document document;
  if (!load(document, text, "ListBucketResult")) return damaged("listing");
  const pugi::xml_node root = document.document_element();
  const bool encoded = value_of(root, "EncodingType") == "url";
  ListingPage page;
  for (const pugi::xml_node& node : root.children("Contents")) {
    auto object = parse_object(node, encoded);
    if (!object) return pass(object);
    page.objects.push_back(std::move(*object));
  }
  if (value_of(root, "IsTruncated") != "true") return page;
  page.next = value_of(root, "NextContinuationToken");
  if (encoded && encoded_token) page.next = http::percent_decode(page.next);
  if (page.next.empty()) return damaged("listing");
  return page;
}

Result<std::string> parse_upload_id(std::string_view text) {
  pugi::xml_document document;
  if (!load(document, text, "InitiateMultipartUploadResult")) return damaged("upload");
  std::string id(value_of(document.document_element(), "UploadId"));
  if (id.empty()) return damaged("upload");
  return id;
}

std::string complete_body(const std::vector<std::string>& etags) {
  std::string out = "<CompleteMultipartUpload xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">";
  for (std::size_t i = 0; i < etags.size(); ++i)
    out += base::concat("<Part><PartNumber>", i + 1, "</PartNumber><ETag>", escaped(etags[i]), "</ETag></Part>");
  return out + "</CompleteMultipartUpload>";
}

}  // namespace replica::s3
