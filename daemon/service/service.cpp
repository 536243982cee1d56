#include "service/service.hpp"
#include "service/answers.hpp"

namespace litestreamd {

using control::fail;
using control::Result;

Service::Service(Surroundings surroundings, DaemonInfo info, config::Config loaded,
                 const std::vector<config::DatabaseSettings>& databases, config::LoadOptions load)
    : replicator_(surroundings.replicator),
      logger_(surroundings.log),
      metering_(surroundings.metering),
      requests_(std::move(surroundings.requests)),
      log_level_(std::move(surroundings.log_level)),
      reload_credentials_(std::move(surroundings.reload_credentials)),
      info_(std::move(info)),
      load_(std::move(load)),
      loaded_(std::move(loaded)),
      known_(databases) {
  config_file_.note_loaded(loaded_);
}

Result<std::string> Service::admit(const std::string& path) const {
  if (closing_) return fail(shutting_down());
  return clean(path);
}

}  // namespace litestreamd
