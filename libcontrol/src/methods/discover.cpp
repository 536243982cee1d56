// rpc.discover: the method table as an OpenRPC document (spec.open-rpc.org, 1.3.2).
#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>

#include "methods/api_fields.hpp"
#include "methods/table.hpp"

namespace control {

namespace json = boost::json;

namespace {

constexpr std::string_view kOpenRpcVersion = "1.3.2";
constexpr std::string_view kApiVersion = "1.0.0";  // grows with what callers can see; additions only raise the middle

json::object schema(const Field& field) {
  json::object out{{"type", field.type}};
  if (field.type == "array") out["items"] = json::object{{"type", "string"}};
  if (!field.default_value.empty()) out["default"] = json::parse(field.default_value);
  return out;
}

json::array params(const Method& method) {
  json::array out;
  for (const Field& field : method.params) {
    out.push_back(json::object{
        {"name", field.name}, {"description", field.doc}, {"required", field.required}, {"schema", schema(field)}});
  }
  return out;
}

json::object object_schema(const std::vector<Field>& members) {
  json::object properties;
  json::array required;
  for (const Field& field : members) {
    properties[field.name] = json::object{{"type", field.type}, {"description", field.doc}};
    if (field.required) required.push_back(json::string(field.name));
  }
  json::object out{{"type", "object"}, {"properties", std::move(properties)}};
  if (!required.empty()) out["required"] = std::move(required);
  return out;
}

json::object result(const Method& method) {
  json::object one = object_schema(method.result);
  if (!method.result_is_array) return {{"name", "result"}, {"schema", std::move(one)}};
  return {{"name", "result"}, {"schema", json::object{{"type", "array"}, {"items", std::move(one)}}}};
}

json::array errors(const Method& method) {
  json::array out;
  for (const ErrorDoc& error : method.errors) {
    out.push_back(json::object{
        {"code", error.code}, {"message", error.message}, {"data", json::object{{"reason", error.reason}}}});
  }
  return out;
}

json::object entry(const Method& method, std::string_view name) {
  json::object out{{"name", name},
                   {"summary", method.summary},
                   {"paramStructure", "by-name"},
                   {"params", params(method)},
                   {"result", result(method)}};
  if (!method.errors.empty()) out["errors"] = errors(method);
  if (method.streams) out["x-streams"] = true;  // notifications follow the result
  return out;
}

json::object document() {
  json::array all;
  for (const Method& method : methods()) {
    all.push_back(entry(method, method.name));
    if (!method.alias.empty()) all.push_back(entry(method, method.alias));
  }
  return {{"openrpc", kOpenRpcVersion},
          {"info", json::object{{"title", "litestreamd control API"}, {"version", kApiVersion}}},
          {"methods", std::move(all)}};
}

}  // namespace

Method discover_method() {
  return {
      .name = "rpc.discover",
      .alias = {},
      .summary = "Describe all methods: an OpenRPC document.",
      .params = {},
      .result = {{.name = "openrpc", .type = "string", .placeholder = {}, .doc = "Version of OpenRPC"},
                 {.name = "info", .type = "object", .placeholder = {}, .doc = "Name and version of this API"},
                 {.name = "methods", .type = "array", .placeholder = {}, .doc = "One object a method"}},
      .errors = {},
      .example_params = {},
      .example_result =
          R"({"openrpc": "1.3.2", "info": {"title": "litestreamd control API", "version": "1.0.0"}, "methods": []})",
      .invoke = [](Service&, const json::object& given, const Arrival&) -> Result<json::value> {
        if (auto none = decode<NoParams>(given); !none) return fail(std::move(none.error()));
        return document();
      },
      .for_all = true,
  };
}

}  // namespace control
