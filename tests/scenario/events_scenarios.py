#!/usr/bin/env python3
"""position, wait, watch and the hooks, as programs and people use them."""
import hashlib
import hmac
import http.client
import http.server
import json
import shutil
import signal
import socket
import ssl
import subprocess
import threading
import time
import unittest

from scenario import BIN, LIMIT, Scenario, until


class Watcher:
    """One connection to the Unix socket that follows events."""

    def __init__(self, path, **params):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(LIMIT)
        self.socket.connect(str(path))
        self.lines = self.socket.makefile("r", encoding="utf-8")
        request = {"jsonrpc": "2.0", "method": "watch", "params": params, "id": 1}
        self.socket.sendall(json.dumps(request).encode() + b"\n")
        self.subscription = json.loads(self.lines.readline())
        self.last = 0

    def next(self):
        message = json.loads(self.lines.readline())
        if message["method"] == "event":
            self.last = message["params"]["seq"]
        return message["method"], message["params"]

    def event(self):
        method, params = self.next()
        assert method == "event", params
        return params

    def until(self, *kinds):
        """The events up to the first one of each of the kinds, in this order."""
        seen = []
        for kind in kinds:
            while not seen or seen[-1]["kind"] != kind or seen[-1].get("found"):
                seen.append(self.event())
            seen[-1]["found"] = True
        return seen

    def close(self):
        self.lines.close()
        self.socket.close()


class Receiver:
    """A webhook's receiver: refuses as often as it is told to, then accepts. Keeps what it accepted and refused."""

    def __init__(self, refusals=0, context=None):
        self.accepted, self.refused = [], []
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                refuse = len(outer.refused) < refusals
                (outer.refused if refuse else outer.accepted).append((dict(self.headers), body))
                self.send_response(503 if refuse else 204)
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        if context:
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.port = self.server.server_address[1]
        self.thread = threading.Thread(target=self.server.serve_forever)
        self.thread.start()

    def events(self):
        return [json.loads(body) for _, body in list(self.accepted)]

    def close(self):
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


class Events(Scenario):
    def watcher(self, **params):
        watcher = Watcher(self.socket, **params)
        self.addCleanup(watcher.close)
        return watcher

    def receiver(self, **options):
        receiver = Receiver(**options)
        self.addCleanup(receiver.close)
        return receiver

    def position(self, name="app.db"):
        return self.ask("position", name)

    def test_a_life_in_events(self):
        """Every kind, in order, with the numbers that position tells."""
        extra = "events: {lag-limit: 300ms}\nlevels: [{interval: 1s}]\n"
        connection = self.database()
        self.connect_replica()
        config = self.standard("app.db", "b.db", extra=extra, interval="50ms")
        text = config.read_text().replace(f"  - path: {self.dir}/b.db\n",
                                          f"  - path: {self.dir}/b.db\n    restore-if-db-not-exists: true\n")
        config.write_text(text)
        daemon = self.daemon("-config", config)
        watcher = self.watcher(paths=[f"{self.dir}/app.db"], **{"from": 0})
        self.assertTrue(watcher.subscription["result"]["subscribed"])
        begin = watcher.until("added", "started", "synced")
        self.assertEqual([e["seq"] for e in begin], sorted(e["seq"] for e in begin))
        self.insert(connection)
        compacted = watcher.until("compacted")[-1]
        self.assertEqual(compacted["level"], 1)
        self.ask("sync", "-wait", "app.db")
        self.assertEqual(self.position()["lag_seconds"], 0)

        self.disconnect_replica()
        self.insert(connection)
        seen = {e["kind"]: e for e in watcher.until("error") + watcher.until("lagging")}
        self.assertIn("code", seen["error"])
        behind = self.position()
        self.assertGreater(behind["txid"], behind["replicated_txid"])
        self.assertGreater(behind["lag_bytes"], 0)
        self.assertGreater(behind["lag_seconds"], 0.25)
        self.connect_replica()
        caught_up = watcher.until("caught_up")
        self.assertIn("synced", [e["kind"] for e in caught_up])

        self.ask("stop", "app.db")
        stopped = watcher.until("stopped")[-1]
        self.assertEqual(stopped["txid"], self.position()["replicated_txid"])
        self.assertNotIn("code", stopped)

        # The other database: replicated, deleted with all that is local, and back.
        other = self.watcher(paths=[f"{self.dir}/b.db"])
        self.database("b.db")
        other.until("started", "synced")
        self.ask("stop", "b.db")
        other.until("stopped")
        for leftover in list(self.dir.glob("b.db*")):
            leftover.unlink()
        shutil.rmtree(self.dir / ".b.db-litestream")
        self.ask("start", "-wait", "b.db")
        kinds = [e["kind"] for e in other.until("restored", "started")]
        self.assertLess(kinds.index("restored"), kinds.index("started"))

        # A watcher hears of the end, and why.
        daemon.process.send_signal(signal.SIGTERM)
        other.until("stopped")
        last = other.next()
        while last[0] == "event":
            last = other.next()
        self.assertEqual((last[0], last[1]["reason"]), ("end", "shutting_down"))
        self.assertEqual(other.lines.readline(), "")
        self.assertEqual(daemon.wait(), 0)

    def test_snapshots_are_told(self):
        self.database()
        self.daemon("-config", self.standard("app.db", interval="50ms"))
        snapshot = self.watcher(kinds=["snapshot"], **{"from": 0}).event()
        self.assertEqual(snapshot["level"], 9)

    def test_who_comes_back_misses_nothing_and_sees_nothing_twice(self):
        connection = self.database()
        self.daemon("-config", self.standard("app.db", interval="20ms"))
        first = self.watcher(**{"from": 0})
        run = first.subscription["result"]["run"]
        seen = [e["seq"] for e in first.until("started", "synced")]
        first.close()
        for _ in range(5):
            self.insert(connection)
            self.ask("sync", "-wait", "app.db")
        second = self.watcher(run=run, **{"from": seen[-1] + 1})
        self.ask("stop", "app.db")
        seen += [e["seq"] for e in second.until("stopped")]
        self.assertEqual(seen, list(range(1, len(seen) + 1)))
        # Over HTTP the same, by the header that browsers send.
        client = http.client.HTTPConnection("localhost")
        client.sock = socket.socket(socket.AF_UNIX)
        client.sock.settimeout(LIMIT)
        client.sock.connect(str(self.socket))
        client.request("GET", "/events?kind=started,stopped", headers={"Last-Event-ID": str(seen[0])})
        response = client.getresponse()
        self.assertEqual(response.getheader("Content-Type"), "text/event-stream")
        text = ""
        while "event: stopped" not in text:
            text += response.readline().decode()
        self.assertEqual(text.count("id: "), 2)
        client.close()
        refused = self.watcher(run="another", **{"from": 1}).subscription
        self.assertEqual(refused["error"]["data"]["reason"], "run_changed")

    def test_old_events_are_gone_and_the_reason_is_told(self):
        connection = self.database()
        self.daemon("-config", self.standard("app.db", interval="20ms", extra="events: {buffer: 3}"))
        for _ in range(5):
            self.insert(connection)
            self.ask("sync", "-wait", "app.db")
        refused = self.watcher(**{"from": 1}).subscription["error"]
        self.assertEqual(refused["data"]["reason"], "events_gone")
        self.assertIn("are gone", refused["message"])

    def test_wait_rides_on_the_next_upload(self):
        connection = self.database()
        self.daemon("-config", self.standard("app.db", interval="2s"))
        self.ask("sync", "-wait", "app.db")
        self.insert(connection)
        self.ask("wait", "app.db")
        before = len(list((self.dir / "r-app.db/ltx/0").glob("*.ltx")))
        self.insert(connection)
        waiters = [subprocess.Popen([BIN / "litestreamctl", "wait", "-socket", self.socket, self.dir / "app.db"],
                                    stdout=subprocess.PIPE, text=True) for _ in range(10)]
        answers = [json.loads(waiter.communicate(timeout=LIMIT)[0]) for waiter in waiters]
        self.assertEqual({a["status"] for a in answers}, {"durable"})
        self.assertGreaterEqual(min(a["replicated_txid"] for a in answers), self.position()["txid"])
        self.assertEqual(len(list((self.dir / "r-app.db/ltx/0").glob("*.ltx"))), before + 1)
        self.assertEqual(self.restored_rows(), 5)

    def test_waits_that_fail_say_why(self):
        connection = self.database()
        self.daemon("-config", self.standard("app.db", interval="1h"))
        self.ask("sync", "-wait", "app.db")
        # An upload that was due before the sync can still take one commit with it, but not two.
        self.insert(connection)
        self.ctl("wait", "-socket", self.socket, "-timeout", "1", "app.db")
        self.insert(connection)
        self.refused("timeout waiting for wait", "wait", "-socket", self.socket, "-timeout", "1", "app.db")
        self.refused(f"database not found: {self.dir}/no.db", "wait", "-socket", self.socket, "no.db")
        self.refused(f"database not found: {self.dir}/no.db", "position", "-socket", self.socket, "no.db")
        self.ask("stop", "app.db")
        self.refused(f"database not open: {self.dir}/app.db", "wait", "-socket", self.socket, "app.db")
        stderr = self.refused("unknown kind of event: sinced", "watch", "-socket", self.socket, "-kind", "synced,sinced")
        self.assertIn("known are added, removed,", stderr)

    def test_watch_on_the_command_line(self):
        connection = self.database()
        daemon = self.daemon("-config", self.standard("app.db", interval="20ms"))
        run = subprocess.Popen([BIN / "litestreamctl", "watch", "-socket", self.socket, "-from", "0", "-json",
                                "-kind", "started,synced"], stdout=subprocess.PIPE, text=True)
        self.assertEqual(json.loads(run.stdout.readline())["kind"], "started")
        self.insert(connection)
        self.assertEqual(json.loads(run.stdout.readline())["kind"], "synced")
        run.send_signal(signal.SIGINT)
        self.assertEqual(run.wait(LIMIT), 0)
        run.stdout.close()
        people = subprocess.Popen([BIN / "litestreamctl", "watch", "-socket", self.socket, "-from", "0", "app.db"],
                                  stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=self.dir)
        line = people.stdout.readline()
        self.assertRegex(line, rf"^20\d\d-.*Z  added      {self.dir}/app\.db\n$")
        self.assertEqual(daemon.end(), 0)
        rest, why = people.communicate(timeout=LIMIT)
        self.assertEqual(people.returncode, 1)
        self.assertEqual(why, "Error: the daemon is shutting down\n")
        self.assertIn("  stopped    ", rest)

    def test_a_reader_that_does_not_read_holds_nobody_up(self):
        connection = self.database()
        self.daemon("-config", self.standard("app.db", interval="20ms", extra="events: {buffer: 50}"))
        lazy = self.watcher()
        lazy.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
        for _ in range(20):
            self.insert(connection)
            begun = time.monotonic()
            self.ask("sync", "-wait", "app.db")
            self.assertLess(time.monotonic() - begun, 5)

    def test_the_webhook_is_signed_and_tried_again(self):
        receiver = self.receiver(refusals=2)
        secret = self.dir / "key"
        secret.write_text("s3cret-value\n")
        extra = (f"events:\n  webhook:\n    url: http://user:pa55@127.0.0.1:{receiver.port}/hook?token=t0ken\n"
                 f"    secret-file: {secret}\n    events: [started, stopped]\n")
        self.database()
        daemon = self.daemon("-config", self.standard("app.db", extra=extra))
        until(lambda: receiver.accepted, "the delivery")
        self.assertEqual(len(receiver.refused), 2)
        headers, body = receiver.accepted[0]
        expected = hmac.new(b"s3cret-value", body, hashlib.sha256).hexdigest()
        self.assertEqual(headers["X-Litestream-Signature"], f"sha256={expected}")
        event = json.loads(body)
        self.assertEqual((event["kind"], event["path"]), ("started", f"{self.dir}/app.db"))
        self.assertEqual(headers["X-Litestream-Event"], "started")
        # The same delivery each time, so that a receiver can tell.
        self.assertEqual({h["X-Litestream-Delivery"] for h, _ in receiver.refused + receiver.accepted},
                         {f"{event['run']}-{event['seq']}"})
        secret.write_text("another\n")  # no restart is needed
        self.assertEqual(daemon.end(), 0, daemon.errors)
        headers, body = receiver.accepted[-1]
        self.assertEqual(json.loads(body)["kind"], "stopped")
        self.assertEqual(headers["X-Litestream-Signature"],
                         "sha256=" + hmac.new(b"another", body, hashlib.sha256).hexdigest())
        log = daemon.log + daemon.errors
        self.assertIn("webhook delivery failed, trying again", log)
        for hidden in ("s3cret-value", "pa55", "t0ken"):
            self.assertNotIn(hidden, log)

    def test_the_webhook_over_https_trusts_only_whom_it_is_told(self):
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                        "-keyout", self.dir / "tls.key", "-out", self.dir / "tls.crt", "-days", "2", "-subj",
                        "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1"], check=True, capture_output=True)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.dir / "tls.crt", self.dir / "tls.key")
        receiver = self.receiver(context=context)
        self.database()
        hook = f"url: https://127.0.0.1:{receiver.port}/, events: [started]"
        daemon = self.daemon("-config", self.standard("app.db", extra=f"events: {{webhook: {{{hook}}}}}"))
        until(lambda: "webhook delivery failed" in daemon.log, "the refusal")
        self.assertEqual(daemon.end(), 0)
        self.assertEqual(receiver.accepted, [])
        daemon.close()
        hook += f", ca-file: {self.dir}/tls.crt"
        self.daemon("-config", self.standard("app.db", extra=f"events: {{webhook: {{{hook}}}}}"))
        until(lambda: receiver.accepted, "the delivery")
        self.assertEqual(receiver.events()[0]["kind"], "started")

    def test_a_dead_receiver_holds_nobody_up(self):
        with socket.socket() as nobody:
            nobody.bind(("127.0.0.1", 0))
            nobody.listen(0)  # takes connections, never answers
            connection = self.database()
            extra = f"events: {{webhook: {{url: 'http://127.0.0.1:{nobody.getsockname()[1]}/'}}}}"
            daemon = self.daemon("-config", self.standard("app.db", interval="20ms", extra=extra))
            for _ in range(10):
                self.insert(connection)
                self.ask("sync", "-wait", "app.db")
            self.assertEqual(daemon.end(), 0)
            self.assertIn("events were not delivered before the end", daemon.log)

    def test_the_exec_hook(self):
        script = self.dir / "hook.sh"
        out = self.dir / "out"
        script.write_text(f"#!/bin/sh\nread -r line\necho \"$LITESTREAM_EVENT $1 $line\" >> {out}\n"
                          "[ \"$LITESTREAM_EVENT\" != stopped ]\n")
        script.chmod(0o755)
        extra = f"events: {{exec: {{command: [{script}, 'two words; $(x)'], events: [started, stopped]}}}}"
        self.database()
        daemon = self.daemon("-config", self.standard("app.db", extra=extra))
        until(lambda: out.exists() and out.read_text(), "the first run")
        self.assertEqual(daemon.end(), 0, daemon.errors)
        lines = out.read_text().splitlines()
        self.assertEqual([line.split()[0] for line in lines], ["started", "stopped"])
        self.assertIn(" two words; $(x) {", lines[0])
        event = json.loads(lines[0][lines[0].index("{"):])
        self.assertEqual((event["kind"], event["path"]), ("started", f"{self.dir}/app.db"))
        self.assertIn("exec hook failed", daemon.log)
        self.assertIn("exit status 1", daemon.log)

    def test_a_secret_that_cannot_be_read_is_told_at_the_start(self):
        config = self.standard(extra="events: {webhook: {url: 'http://127.0.0.1:1/', secret-env: NO_SUCH_NAME}}")
        done = self.run_program("litestreamd", "-config", config)
        self.assertEqual(done.returncode, 1)
        self.assertIn("environment variable NO_SUCH_NAME is not set", done.stderr)


if __name__ == "__main__":
    unittest.main(verbosity=2)
