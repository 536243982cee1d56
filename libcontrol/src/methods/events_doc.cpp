#include "methods/events_doc.hpp"

namespace control {
namespace {

constexpr std::string_view kBefore = R"(
## Events

`watch` on the Unix socket is answered by its result, and then by one notification a line. The connection is used for
nothing else from then on.

```json
{"jsonrpc": "2.0", "method": "event", "params": {"seq": 17, "time": "2024-01-01T00:00:00Z", "kind": "synced", "path": "/data/app.db", "txid": 42}}
```

)";

constexpr std::string_view kAfter = R"(
| kind | said when |
| --- | --- |
| `added`, `removed` | a database was registered, or forgotten |
| `started` | it is attached and captured from |
| `stopped` | it is closed; `code` and `detail` say why the final upload failed, if it did |
| `synced` | something was uploaded, and everything captured up to `txid` is durable on the replica |
| `snapshot` | a full snapshot is on the replica |
| `compacted` | a file of `level` is on the replica |
| `lagging` | the oldest change that the replica lacks is older than `events.lag-limit` (60s) |
| `caught_up` | after `lagging`: it is over |
| `error` | a step of replication failed: the first time in a row, and when the code changes |
| `restored` | a missing database was restored from its replica |
| `auth_failed` | the store refuses uploads (wrong or expired credentials, missing permissions): once until one succeeds |

`GET /events?path=GLOB&kind=KIND&from=SEQ&run=RUN` on either listener gives the same as server-sent events: `id` is the
number, `event` the kind, `data` the object above. `path` and `kind` may be repeated, and kinds separated by commas. A
first event `subscribed` has the result of `watch` as data; a comment comes when nothing else did for 15 s.
`Last-Event-ID` counts as `from` one number later. Errors: 400, 404, 410 for `events_gone` and `run_changed`, 503 for
`too_many_watchers`, each with the JSON-RPC error as body.

The daemon remembers the last events (`events.buffer`, 8192). To miss none after a break, ask with `run` and, as `from`,
the last number seen and one. Who reads more slowly than things happen, so that events it has not taken are gone, is
told so and dropped; a stream always ends with

```json
{"jsonrpc": "2.0", "method": "end", "params": {"reason": "too_slow", "message": "events before 5012 are gone", "hint": "…"}}
```

(event `end` over HTTP), with the reason `too_slow` or `shutting_down`, unless the reader takes nothing at all for 30 s:
then the connection is closed.
)";

}  // namespace

std::string events_markdown(const std::string& members) { return std::string(kBefore) + members + std::string(kAfter); }

}  // namespace control
