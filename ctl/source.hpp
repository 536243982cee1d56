// Where an offline verb reads: a database of the configuration, or a replica's URL.
#pragma once

#include "config/config.hpp"
#include "replica/replica.hpp"
#include "verb.hpp"

namespace litestreamctl {

tl::expected<config::Config, Problem> load_config(const cli::Arguments& args);

// Where a daemon keeps what it has captured of a database.
std::string local_state_of(const config::DatabaseSettings& database);

struct Place {
  std::string database;  // absolute; empty for a URL
  config::ReplicaSettings settings;
};

// `argument` is a database path or a URL. Texts: "cannot specify a replica URL and the -config flag",
// "database not found in config: P", "database has no replica configured: P".
tl::expected<Place, Problem> find_place(const std::string& argument, const cli::Arguments& args);

struct Source {
  std::string database;  // absolute; empty for a URL
  std::string location;  // of the replica, as a URL without secrets
  replica::Replica replica;
};

// find_place() and its replica.
tl::expected<Source, Problem> open_source(const std::string& argument, const cli::Arguments& args);

}  // namespace litestreamctl
