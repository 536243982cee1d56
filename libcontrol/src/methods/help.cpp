#include <algorithm>

#include "control/jsonrpc.hpp"
#include "control/methods.hpp"
#include "methods/events_doc.hpp"

namespace control {
namespace {

std::string text(std::string_view view) { return std::string(view); }

// "-timeout SECONDS"
std::string option(const Field& field) {
  return "-" + field.flag + (field.placeholder.empty() ? "" : " " + text(field.placeholder));
}

bool has_shown_default(const Field& field) { return !field.default_value.empty() && field.type != "boolean"; }

std::string field_table(const std::vector<Field>& fields, bool are_params) {
  std::string out = are_params ? "| parameter | type | required | default | |\n| --- | --- | --- | --- | --- |\n"
                               : "| member | type | always | |\n| --- | --- | --- | --- |\n";
  for (const Field& field : fields) {
    out += "| `" + text(field.name) + "` | " + text(field.type) + " | " + (field.required ? "yes" : "no") + " | ";
    if (are_params) out += (field.default_value.empty() ? "" : "`" + field.default_value + "`") + " | ";
    out += text(field.doc) + " |\n";
  }
  return out;
}

std::string code_block(std::string_view language, const std::string& content) {
  return "```" + text(language) + "\n" + content + "\n```\n";
}

std::string example(const Method& method) {
  std::string request = R"({"jsonrpc": "2.0", "method": ")" + text(method.name) + "\", ";
  if (!method.example_params.empty()) request += "\"params\": " + text(method.example_params) + ", ";
  request += "\"id\": 1}";
  return code_block("json", request) + "\n" +
         code_block("json", R"({"jsonrpc": "2.0", "result": )" + text(method.example_result) + R"(, "id": 1})");
}

std::string error_table(const Method& method) {
  std::string out = "| code | message | `data.reason` |\n| --- | --- | --- |\n";
  for (const ErrorDoc& error : method.errors) {
    out += "| " + std::to_string(error.code) + " | `" + text(error.message) + "` | `" + text(error.reason) + "` |\n";
  }
  return out;
}

std::string section(const Method& method) {
  std::string out = "### " + text(method.name) + "\n\n" + text(method.summary) + "\n";
  if (!method.alias.empty()) out += "\n`" + text(method.alias) + "` is an alias.\n";
  out += "\n" + (method.params.empty() ? "No parameters.\n" : field_table(method.params, true));
  out += method.result_is_array ? "\nThe result is an array of objects:\n\n" : "\nThe result is an object:\n\n";
  out += field_table(method.result, false) + "\n" + example(method);
  if (!method.errors.empty()) out += "\n" + error_table(method);
  return out;
}

constexpr std::string_view kPreamble = R"(# The control protocol

*Made from the method table by `control-docs`; do not edit by hand.*

JSON-RPC 2.0, one request or batch at a time a connection, answered in the order sent.

## Transports

| listener | configured by | speaks |
| --- | --- | --- |
| Unix socket | `socket.path`, `socket.permissions` (0600) | bare JSON-RPC, and HTTP/1.1; told apart by the first byte that is not blank |
| TCP | `addr` | HTTP/1.1 only |

*Bare JSON-RPC*: values one after another, with or without line ends between or inside; each reply is one line. After
text that is no JSON object or array there is one error reply, and the connection is closed.

*HTTP*: `POST /control/` (also `/control` and anything below `/control/`) with the request as body. The answer is 200
with the reply as `application/json`, also when the reply is an error, or 204 when only notifications were sent. Other
methods than POST get 405. `GET /metrics`, `/healthz` (also `/health`), `/readyz` and `/livez` are served on both
listeners. Keep-alive, pipelining, `Expect: 100-continue` and chunked bodies work.

*Health*: 200 `ok`, or 503 with one line for each database and what is wrong. `/healthz` looks for errors of open
databases, `/readyz` also for those not yet once durable on their replica; with `?max_lag=SECONDS` both also look for
those that have been behind for longer. `/livez` says that the daemon answers.

```bash
curl -X POST http://localhost:9090/control/ -H "Content-Type: application/json" \
  -d '{"jsonrpc": "2.0", "method": "list", "id": 1}'
echo '{"jsonrpc": "2.0", "method": "list", "id": 1}' | nc -U -N /var/run/litestream.sock
```

Who may call what is in [security.md](security.md): tokens, TLS, roles. Without any of it, `/control/` is served to
everybody on a loopback address, and on another to nobody (403) unless `control.insecure` is true. Credentials that are
missing or wrong are answered with 401, calls beyond the caller's role or databases with 403, calls beyond its rate with
429; the body is the JSON-RPC error. `/metrics` and the health routes need no credentials.

So that no web page can make a browser call the daemon, requests on TCP with an `Origin` header are refused (403), on a
loopback address also those whose `Host` is neither a loopback name nor a configured one (403), and bodies of a type other than `application/json`,
`application/x-www-form-urlencoded` (what `curl -d` sends) or none (415).

## Rules

- `id` may be a string, a number or null, and comes back as it was written; a request without one is a notification and
  gets no reply. The member `jsonrpc` may be left out; another value than `"2.0"` is an error.
- Parameters go by name: `params` is an object. A parameter that the method does not know is an error; null is the same
  as absent. A result may get new members; ignore those you do not know.
- `timeout` is in seconds, 0 means the default. The daemon gives up 250 ms before it is over (at half of it for timeouts
  under 500 ms), so that its error arrives before the client stops waiting.
- Methods that change something also take `dry_run` (check everything, change nothing), `request_id` and `deadline`, and
  their results say whether anything was `changed`. A call repeated with the same `request_id` within 10 minutes, because
  its reply was lost, has one effect and one answer: while the first one runs the second waits for it, and another call
  with that id is refused (`request_id_reused`). Timeouts and other retryable errors are not remembered, and nothing is
  after a restart.
- A batch is worked off in its order; each call's timeout begins when its turn comes.
- When a client disconnects, what it asked for is finished all the same.

## Limits

Size, depth, calls, the time to arrive and the number of connections can be set under `control.limits`.

| what | limit | beyond it |
| --- | --- | --- |
| request or batch | 1 MiB | -32600 `too_large`, and the connection is closed; HTTP 413 |
| depth of nesting | 32 | -32600 `too_deep` |
| values in a request or batch | 65536 | -32600 `too_many_values` |
| calls in a batch | 100 | -32600 `batch_too_large` |
| keys of an object | each once | -32600 `duplicate_key`, `id` null, for the whole text |
| HTTP header | 16 KiB | 431 |
| time for one request to arrive | 10 s | the connection is closed |
| idle time of a connection | 5 min | the connection is closed |
| requests that are arriving, of all connections | 16 MiB | the connection with the largest is closed |
| calls a second and caller | `control.limits.rate`; none by default | -32001 `rate_limited`, with `data.retry_after` in seconds; HTTP 429 |
| connections a listener | 256 | of the process (Unix socket) or address (TCP) that holds most, the one idle for longest is closed, else the one whose request has been arriving for longest |

## Errors

```json
{"jsonrpc": "2.0", "error": {"code": -32001, "message": "database not found: /data/app.db", "data": {"reason": "not_found", "hint": "register the database first", "retryable": false}}, "id": 1}
```

`message` is for people; branch on `code` and `data.reason`. `data.hint` says what to do, when there is something.

| code | meaning |
| --- | --- |
| -32700 | no JSON |
| -32600 | no valid request, or beyond a limit |
| -32601 | no such method |
| -32602 | wrong parameters; the message names the one |
| -32603 | a defect of the daemon |
| -32001 | the method failed; also `shutting_down` while the daemon stops, `unauthenticated`, `forbidden` and `rate_limited` |
| -32004 | the timeout was over; what was begun goes on |

## REST

The routes of Litestream 0.5, so that its command line and what was written for it work here: on the Unix socket only,
the same bodies, statuses and texts. What is started, stopped or registered already is no error there.

| route | request | answer |
| --- | --- | --- |
| `POST /start`, `/stop` | `path`, `timeout` | `status`, `path`, `txid` |
| `POST /sync` | `path`, `wait`, `timeout` | `status`, `path`, `txid`, `replicated_txid` |
| `POST /register` | `path`, `replica_url` | `status`, `path` |
| `POST /unregister` | `path`, `timeout` | `status`, `path`, `txid` |
| `GET /list` | | `databases`: `path`, `status` (`replicating`, `stopped`), `last_sync_at` |
| `GET /info` | | `version`, `pid`, `uptime_seconds`, `started_at`, `database_count` |
| `GET /txid?path=` | | `txid` |
| `GET /debug/sync-status?path=` | | `databases`: `path`, `active`, `operation`, `txid`, `wal_size`, `error` |

Errors are `{"error": …}`, with `details` for a body that cannot be read: 400 for the request, 404 and 409 for `sync` of
what is not registered or not open, 503 while the daemon stops, else 500.

## Methods

)";

}  // namespace

std::string usage(const Method& method) {
  std::string out = text(method.name);
  if (std::any_of(method.params.begin(), method.params.end(), [](const Field& f) { return !f.required; })) {
    out += " [OPTIONS]";
  }
  for (const Field& field : method.params) {
    if (field.required) out += " " + text(field.placeholder);
  }
  return out;
}

std::string options_help(const Method& method) {
  std::size_t width = 0;
  for (const Field& field : method.params) {
    if (!field.required) width = std::max(width, option(field).size());
  }
  std::string out;
  for (const Field& field : method.params) {
    if (field.required) continue;
    const std::string name = option(field);
    out += "  " + name + std::string(width - name.size() + 2, ' ') + text(field.doc);
    if (has_shown_default(field)) out += " (default: " + field.default_value + ")";
    out += "\n";
  }
  return out;
}

std::string protocol_markdown() {
  std::string out(kPreamble);
  std::string separator;
  for (const Method& method : methods()) {
    out += separator + section(method);
    separator = "\n";
  }
  return out + events_markdown(field_table(event_members(), false));
}

}  // namespace control
