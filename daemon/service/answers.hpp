// What the answers of the Service have in common: calls, paths and errors of one library as those of the other.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/diff.hpp"
#include "control/api.hpp"
#include "replica/replicator.hpp"

namespace litestreamd {

replica::Call call_of(const control::Call& call);

// The path as databases are registered under; -32602 when it can be none.
control::Result<std::string> clean(const std::string& path);

control::ConfigDiff wire_diff(config::Diff diff);
control::DatabaseState wire_state(replica::DatabaseState state);
// One for each of several replicas, as of now.
std::optional<std::vector<control::ReplicaEntry>> replica_entries(const replica::DatabaseStatus& status);

control::Error error(std::string message, std::string reason, std::string hint = {}, bool retryable = false);
control::Error not_found(const std::string& path);
control::Error shutting_down();

// An error of the engine that has no message of its own on the control page; `reason` when the page has one for it.
control::Error other(std::string_view prefix, const replica::Error& from, std::string_view reason = {});

// Who gave up: the caller's time ran out, the daemon is closing, or neither (nullopt).
std::optional<control::Error> gave_up(std::string_view method, const control::Call& call, const replica::Error& from);

// "replica URL is already used by PATH", when another database has one of the places that `wanted` names.
std::optional<std::string> taken_by_other(const std::vector<replica::DatabaseStatus>& databases,
                                          const replica::DatabaseConfig& wanted);

}  // namespace litestreamd
