#include "event_notice.hpp"

namespace litestreamd {

control::EventNotice notice(replica::Event event) {
  control::EventNotice out{.seq = event.seq,
                           .time = replica::to_rfc3339(event.time),
                           .kind = std::string(replica::name(event.kind)),
                           .path = std::move(event.path)};
  if (event.txid) out.txid = event.txid.value;
  if (event.level) out.level = static_cast<std::uint64_t>(*event.level);
  if (!event.code.empty()) out.code = std::move(event.code);
  if (!event.detail.empty()) out.detail = std::move(event.detail);
  if (!event.replica.empty()) out.replica = std::move(event.replica);
  return out;
}

}  // namespace litestreamd
