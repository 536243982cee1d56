#include "methods/table.hpp"

#include <algorithm>

namespace control {
namespace {

namespace json = boost::json;
using std::chrono::milliseconds;

constexpr milliseconds kMargin{250};  // for the reply to travel before the client gives up

}  // namespace

std::span<const Method> methods() {
  static const std::vector<Method> kTable{
      start_method(),       stop_method(),
      sync_method(),        status_method(),
      list_method(),        info_method(),
      register_method(),    unregister_method(),
      txid_method(),        sync_status_method(),
      position_method(),    wait_method(),
      watch_method(),       validate_config_method(),
      diff_config_method(), reload_config_method(),
      log_level_method(),   discover_method(),
  };
  return kTable;
}

const Method* find_method(std::string_view name) {
  const std::span<const Method> table = methods();
  const auto found = std::find_if(table.begin(), table.end(), [&](const Method& method) {
    return method.name == name || (!method.alias.empty() && method.alias == name);
  });
  return found == table.end() ? nullptr : &*found;
}

Result<json::value> invoke(const Method& method, Service& service, const json::value& params, const Arrival& arrival) {
  if (params.is_object()) return method.invoke(service, params.get_object(), arrival);
  const bool none_needed =
      std::none_of(method.params.begin(), method.params.end(), [](const Field& f) { return f.required; });
  const bool empty_list = none_needed && params.is_array() && params.get_array().empty();
  if (params.is_null() || empty_list) return method.invoke(service, {}, arrival);
  return fail(invalid_params("params must be an object"));
}

milliseconds working_time(milliseconds timeout) { return std::max(timeout - kMargin, timeout / 2); }

}  // namespace control
