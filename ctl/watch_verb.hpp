// litestreamctl watch: events as they happen.
#pragma once

#include <boost/json/object.hpp>
#include <string>

#include "verb.hpp"

namespace litestreamctl {

Verb watch_verb();

// "2026-11-23T14:14:23.749Z  synced     /data/app.db  txid 42", for people; a line end behind it.
std::string event_line(const boost::json::object& event);

}  // namespace litestreamctl
