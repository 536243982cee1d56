#include "service/service.hpp"
#include "service/answers.hpp"

namespace litestreamd {

using control::fail;
using control::Result;

Service::Service(replica::Replicator& replicator, replica::Logger& logger, DaemonInfo info, config::LoadOptions load,
                 config::Decorate decorate)
    : replicator_(replicator),
      logger_(logger),
      info_(std::move(info)),
      load_(std::move(load)),
      decorate_(std::move(decorate)) {}

Result<std::string> Service::admit(const std::string& path) const {
  if (closing_) return fail(shutting_down());
  return clean(path);
}

}  // namespace litestreamd
