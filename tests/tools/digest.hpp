// One short text for the logical content of a database.
#pragma once

#include <string>

namespace tools {

struct DigestOptions {
  // Leaves out tables with this prefix, and with them what their existence shifts (page counts, root pages).
  std::string exclude_prefix{};
  bool integrity_check = true;
};

struct Digest {
  std::string integrity;  // "ok", or the first complaint
  std::string hash;       // of schema, settings and all rows in key order; empty when they could not be read
  bool sound() const { return integrity == "ok" && !hash.empty(); }
  bool operator==(const Digest&) const = default;
  std::string text() const { return integrity + " " + hash; }
};

Digest digest(const std::string& path, const DigestOptions& options = {});

}  // namespace tools
