// Replicas as tests of the configuration write them.
#pragma once

#include "config/config.hpp"
#include "config/stores.hpp"
#include "support/catch.hpp"

namespace store_config {

using config::parse;
using config::ReplicaSettings;

// Of one database with a replica of these keys, below `top`.
inline ReplicaSettings replica_of(const std::string& keys, const std::string& top = "") {
  auto read = parse(top + "\ndbs: [{path: /x, replica: {" + keys + "}}]", "/etc/x.yml");
  INFO(keys);
  if (!read) FAIL(read.error().message);
  return *read->databases.at(0).replica;
}

// Why the file is refused.
inline std::string refusal(const std::string& keys, const std::string& top = "") {
  auto read = parse(top + "\ndbs: [{path: /x, replica: {" + keys + "}}]", "/etc/x.yml");
  INFO(keys);
  REQUIRE_FALSE(read);
  return read.error().message;
}

// By its address.
inline ReplicaSettings at(const std::string& url) {
  auto settings = config::replica_at(url);
  INFO(url);
  if (!settings) FAIL(settings.error().message);
  return *settings;
}

}  // namespace store_config
