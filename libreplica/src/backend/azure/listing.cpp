#include "backend/azure/listing.hpp"

#include "base/text.hpp"

namespace replica::azure {
namespace {

constexpr std::size_t kLimit = std::size_t{16} << 20U;  // 1000 names of 1024 escaped bytes, and what is said of them

}  // namespace

Result<ListingPage> Listing::fetch(const Place& place, const std::string& what, const Call& call) {
  Operation operation{.body_limit = kLimit, .kind = RequestClass::list};
  operation.query = {{"restype", "container"}, {"comp", "list"}, {"include", "metadata"}};
  operation.query.emplace_back("maxresults", std::to_string(place.most));
  if (!place.prefix.empty()) operation.query.emplace_back("prefix", place.prefix);
  if (!place.marker.empty()) operation.query.emplace_back("marker", place.marker);
  if (!place.start_from.empty()) {
    operation.query.emplace_back("startFrom", place.start_from);
    operation.version = "2026-02-06";
  }
  auto answer = container_.send(operation, what, call);
  if (!answer) return pass(answer);
  auto page = parse_listing(answer->body);
  if (!page) return pass(page, what);
  return page;
}

// `next` is the first name after `start`, as a listing from the beginning has it.
void Listing::find_out(const std::string& prefix, const std::string& start, const std::string& next,
                       const std::string& what, const Call& call) {
  const auto page = fetch({.prefix = prefix, .start_from = start, .most = 2}, what, call);
  if (!page && is_retryable(page.error())) return;
  bool same = false;
  if (page) {
    for (const ObjectInfo& blob : page->blobs) {
      if (blob.key == start) continue;
      same = blob.key == next;
      break;
    }
  }
  start_from_ = same ? State::yes : State::no;
}

Result<void> Listing::run(const std::string& prefix, const std::string& start, const Backend::Visitor& visitor,
                          const std::string& what, const Call& call) {
  Place place{.prefix = prefix};
  std::string last;
  bool ask = false;
  for (bool first = true;; first = false) {
    if (auto going = call.check(what); !going) return going;
    auto page = fetch(place, what, call);
    if (!page) return pass(page);
    bool skipped = !start.empty();
    for (const ObjectInfo& blob : page->blobs) {
      if (auto going = call.check(what); !going) return going;
      if (blob.key <= start) continue;
      if (blob.key <= last)
        return fail(Errc::unsupported, what + ": the store does not list in the order of the names");
      last = blob.key;
      skipped = false;
      if (std::exchange(ask, false)) find_out(prefix, start, blob.key, what, call);
      if (!visitor(blob)) return {};
    }
    if (page->next.empty()) return {};
    if (page->next == place.marker) return fail(Errc::unavailable, what + ": the store gives the same page again");
    if (first && skipped && start_from_ == State::yes) {
      place.start_from = start;
      continue;
    }
    if (first && skipped) ask = start_from_ == State::unknown;
    place.marker = std::move(page->next);
  }
}

}  // namespace replica::azure
