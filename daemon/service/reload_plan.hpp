// What a reload does, database by database. Pure.
#pragma once

#include <string>
#include <vector>

#include "config/config.hpp"

namespace litestreamd {

struct ReloadStep {
  enum class Kind {
    forget,  // it is no longer in the file
    renew,   // registered with other settings, or for the first time
    open,    // only `enabled` or `auto-replicate` differ
    close,
  };
  Kind kind;
  std::string path;
  const config::DatabaseSettings* settings = nullptr;  // those it gets, for renew
  bool closes = false;                                 // it is registered: to be closed before
  bool opens = true;                                   // afterwards, for renew
  std::vector<std::string> leaving{};                  // URLs of its replicas that do not go on
  bool waits = false;  // for the others to be closed, of which one still has a replica that this one gets
};

std::vector<std::string> places_of(const config::DatabaseSettings& settings);

// Of the replicas at `before` those that do not go on. All, when the database does not.
std::vector<std::string> leaving_places(std::vector<std::string> before, const config::DatabaseSettings& next);

// Sets `waits`.
void order_steps(std::vector<ReloadStep>& steps);

}  // namespace litestreamd
