// Listings, page by page.
#pragma once

#include <atomic>

#include "backend/azure/container.hpp"
#include "backend/azure/xml.hpp"

namespace replica::azure {

// Lists blobs of a container. Whether the service lets a listing begin in the middle (startFrom, since 2026-02-06) is
// found out when that would have saved a request: it is believed after it has given the same as a listing from the
// beginning. Without it what comes before is read and skipped.
class Listing {
 public:
  explicit Listing(Container& container) : container_(container) {}

  // Blobs whose name begins with `prefix` and is greater than `start`, in the order of their names, which is checked.
  // The visitor ends the listing by returning false.
  Result<void> run(const std::string& prefix, const std::string& start, const Backend::Visitor& visitor,
                   const std::string& what, const Call& call);

 private:
  enum class State { unknown, yes, no };
  struct Place {
    const std::string& prefix;
    std::string start_from{}, marker{};
    int most = 1000;  // a page
  };
  Result<ListingPage> fetch(const Place& place, const std::string& what, const Call& call);
  void find_out(const std::string& prefix, const std::string& start, const std::string& next, const std::string& what,
                const Call& call);

  Container& container_;
  std::atomic<State> start_from_ = State::unknown;
};

}  // namespace replica::azure
