#include "backend/webdav/multistatus.hpp"

#include <pugixml.hpp>

#include "backend/ranged_get.hpp"
#include "backend/surroundings.hpp"
#include "http/status.hpp"

namespace replica::webdav {
namespace {

Failure damaged() {
  return fail(Errc::unavailable, "the answer is no listing of WebDAV", "is the address that of a WebDAV folder?");
}

// The namespace that a prefix (empty = none) stands for at `node`.
std::string_view namespace_of(pugi::xml_node node, std::string_view prefix) {
  std::string name = "xmlns";
  if (!prefix.empty()) name.append(":").append(prefix);
  for (; node; node = node.parent()) {
    if (const pugi::xml_attribute found = node.attribute(name.c_str())) return found.value();
  }
  return {};
}

bool is_dav(pugi::xml_node node, std::string_view wanted) {
  const std::string_view name = node.name();
  const std::size_t colon = name.find(':');
  const bool prefixed = colon != std::string_view::npos;
  if ((prefixed ? name.substr(colon + 1) : name) != wanted) return false;
  return namespace_of(node, prefixed ? name.substr(0, colon) : std::string_view()) == "DAV:";
}

pugi::xml_node child(pugi::xml_node parent, std::string_view name) {
  for (const pugi::xml_node one : parent.children()) {
    if (is_dav(one, name)) return one;
  }
  return {};
}

std::string text_of(pugi::xml_node node) { return backend::trimmed(node.text().get()); }

// "HTTP/1.1 200 OK"; without any it is one.
bool is_success(pugi::xml_node status) {
  const std::string text = text_of(status);
  return text.empty() || text.find(" 2") == text.find(' ');
}

// The properties that were found: there is one propstat for each outcome.
pugi::xml_node found_properties(pugi::xml_node response) {
  for (const pugi::xml_node one : response.children()) {
    if (is_dav(one, "propstat") && is_success(child(one, "status"))) return child(one, "prop");
  }
  return {};
}

Result<Resource> read_resource(pugi::xml_node response, pugi::xml_node properties) {
  Resource out;
  const std::string href = text_of(child(response, "href"));
  if (href.empty()) return damaged();
  out.path = path_of_href(href);
  out.is_folder = static_cast<bool>(child(child(properties, "resourcetype"), "collection"));
  if (out.is_folder) return out;
  const auto size = backend::parse_number(text_of(child(properties, "getcontentlength")));
  const auto time = http::parse_http_date(text_of(child(properties, "getlastmodified")));
  if (!size || !time) return damaged();
  out.size = *size;
  out.modified_at = *time;
  return out;
}

}  // namespace

std::string path_of_href(std::string_view href) {
  if (const std::size_t scheme = href.find("://"); scheme != std::string_view::npos && scheme < href.find('/')) {
    href.remove_prefix(scheme + 3);
    href.remove_prefix(std::min(href.find('/'), href.size()));
  }
  href = href.substr(0, href.find_first_of("?#"));
  while (href.ends_with('/')) href.remove_suffix(1);
  return http::percent_decode(href);
}

Result<std::vector<Resource>> parse_multistatus(std::string_view text) {
  pugi::xml_document document;
  const auto parsed = document.load_buffer(text.data(), text.size(), pugi::parse_default, pugi::encoding_auto);
  if (!parsed || !is_dav(document.document_element(), "multistatus")) return damaged();
  std::vector<Resource> out;
  for (const pugi::xml_node response : document.document_element().children()) {
    if (!is_dav(response, "response")) continue;
    // What has gone in the meantime has a status in place of properties.
    if (!is_success(child(response, "status"))) continue;
    const pugi::xml_node properties = found_properties(response);
    if (!properties) return damaged();
    auto resource = read_resource(response, properties);
    if (!resource) return pass(resource);
    out.push_back(std::move(*resource));
  }
  return out;
}

}  // namespace replica::webdav
