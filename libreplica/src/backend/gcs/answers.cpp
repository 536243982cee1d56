#include "backend/gcs/answers.hpp"

#include <algorithm>

#include "backend/json.hpp"
#include "backend/ranged_get.hpp"
#include "base/text.hpp"
#include "http/status.hpp"

namespace replica::gcs {

namespace json = boost::json;
using backend::text_in;

namespace {

Failure damaged(std::string_view what) {
  return fail(Errc::unavailable, base::concat("the answer is no ", what, " of Google Cloud Storage"),
              "is the endpoint that of Google Cloud Storage?");
}

Result<ObjectInfo> read_object(const json::object& in) {
  ObjectInfo out{.key = text_in(in, "name")};
  const auto size = backend::parse_number(text_in(in, "size"));  // 64 bits are text in Google's JSON
  auto time = parse_rfc3339(text_in(backend::object_in(in, "metadata"), kTimestampKey));
  if (!time) time = parse_rfc3339(text_in(in, "timeCreated"));
  if (!time) time = parse_rfc3339(text_in(in, "updated"));
  if (out.key.empty() || !size || !time) return damaged("object");
  out.size = *size;
  out.modified_at = *time;
  return out;
}

struct Meaning {
  std::string_view reason;
  Errc errc;
  std::string_view hint = {};
};

constexpr Meaning kMeanings[] = {
    {"rateLimitExceeded", Errc::busy},
    {"userRateLimitExceeded", Errc::busy},
    {"quotaExceeded", Errc::busy},
    {"backendError", Errc::unavailable},
    {"internalError", Errc::unavailable},
    {"uploadBrokenConnection", Errc::unavailable},
    {"authError", Errc::permission_denied, "the credentials are not (or no longer) good"},
    {"required", Errc::permission_denied, "credentials are needed; see credentials-path"},
    {"forbidden", Errc::permission_denied,
     "the account does not have the permission; see docs/backends.md for what is needed"},
    {"accountDisabled", Errc::permission_denied, "the account or its billing is disabled"},
    {"retentionPolicyNotMet", Errc::permission_denied, "the retention policy of the bucket does not allow it yet"},
    {"objectUnderActiveHold", Errc::permission_denied, "the object is under a hold"},
    {"invalidAltValue", Errc::unsupported},
};

// The `required` of a 400 is a parameter that is missing.
const Meaning* meaning_of(std::string_view reason, int status) {
  const auto* found =
      std::find_if(std::begin(kMeanings), std::end(kMeanings), [&](const auto& m) { return m.reason == reason; });
  if (found == std::end(kMeanings) || (found->errc == Errc::permission_denied && status == 400)) return nullptr;
  return found;
}

// {"error": {"code": 403, "message": "…", "errors": [{"reason": "forbidden", …}]}}
struct Told {
  std::string message, reason;
};
Told read_error(std::string_view body) {
  const auto parsed = backend::parse_object(body);
  if (!parsed) return {};
  const json::object& error = backend::object_in(*parsed, "error");
  Told out{.message = text_in(error, "message"), .reason = {}};
  const json::value* list = error.if_contains("errors");
  if (list == nullptr || !list->is_array() || list->as_array().empty()) return out;
  const json::value& first = list->as_array().front();
  if (first.is_object()) out.reason = text_in(first.as_object(), "reason");
  return out;
}

}  // namespace

Result<ObjectInfo> parse_object(std::string_view text) {
  const auto parsed = backend::parse_object(text);
  if (!parsed) return damaged("object");
  return read_object(*parsed);
}

std::string describe_object(std::string_view name, const PutOptions& options) {
  json::object out{{"name", name}, {"contentType", "application/octet-stream"}};
  if (options.modified_at) out["metadata"] = json::object{{kTimestampKey, to_rfc3339(*options.modified_at)}};
  return json::serialize(out);
}

Result<ListingPage> parse_listing(std::string_view text) {
  const auto parsed = backend::parse_object(text);
  if (!parsed) return damaged("listing");
  const json::value* items = parsed->if_contains("items");
  ListingPage page;
  page.next = text_in(*parsed, "nextPageToken");
  // An empty listing has no items; something that is no listing has none either.
  const bool is_listing = text_in(*parsed, "kind") == "storage#objects";
  if (items == nullptr && is_listing) return page;
  if (items == nullptr || !items->is_array()) return damaged("listing");
  for (const json::value& item : items->as_array()) {
    if (!item.is_object()) return damaged("listing");
    auto object = read_object(item.as_object());
    if (!object) return damaged("listing");
    page.objects.push_back(std::move(*object));
  }
  return page;
}

Error store_error(const http::Response& response, std::string_view what) {
  const Told told = read_error(response.body);
  std::string detail = told.reason;
  if (!told.message.empty()) detail += (detail.empty() ? "" : ": ") + told.message;
  Error error = http::error_of(response, what, detail);
  if (const Meaning* meaning = meaning_of(told.reason, response.status)) {
    error.code = meaning->errc;
    error.hint = meaning->hint;
  } else if (response.status == 401) {
    error.hint = "the credentials are not (or no longer) good";
  } else if (response.status / 100 == 3) {
    error.code = Errc::invalid_argument;
    error.hint = "is the endpoint that of Google Cloud Storage?";
  }
  return error;
}

}  // namespace replica::gcs
