// Where an offline verb reads: a database of the configuration, or a replica's URL.
#pragma once

#include "config/config.hpp"
#include "replica/several.hpp"
#include "verb.hpp"

namespace litestreamctl {

tl::expected<config::Config, Problem> load_config(const cli::Arguments& args);

// Where a daemon keeps what it has captured of a database.
std::string local_state_of(const config::DatabaseSettings& database);

struct Place {
  std::string database;  // absolute; empty for a URL
  config::ReplicaSettings settings;
};

// `argument` is a database path or a URL; of several replicas those that the flag -replica means. Texts: "cannot
// specify a replica URL and the -config flag", "database not found in config: P", "database has no replica configured:
// P".
tl::expected<std::vector<Place>, Problem> find_places(const std::string& argument, const cli::Arguments& args);
// The only one.
tl::expected<Place, Problem> find_place(const std::string& argument, const cli::Arguments& args);

struct Source {
  std::string database;  // absolute; empty for a URL
  std::string location;  // of the replica, as a URL without secrets
  replica::Replica replica;
};

// find_places() and their replicas; at least one.
tl::expected<std::vector<Source>, Problem> open_sources(const std::string& argument, const cli::Arguments& args);
std::vector<replica::Replica> replicas_of(const std::vector<Source>& sources);
// Tells of a replica that is passed over.
void warn_of(const Source& source, const replica::Error& error);
// The one that reaches furthest, of those that answer; an empty one when none holds anything that fits.
tl::expected<Source, Problem> best_source(const std::vector<Source>& sources, const replica::RestoreTarget& target,
                                          const replica::Call& call);
// open_sources() and the best one.
tl::expected<Source, Problem> open_source(const std::string& argument, const cli::Arguments& args);

inline const cli::Flag kReplicaFlag{"replica", "NAME|URL", "this one of several replicas"};

}  // namespace litestreamctl
