#!/usr/bin/env python3
"""Stores that refuse: everything, for the secret was changed, or only to delete."""
import http.client
import json
import pathlib
import signal
import socket
import sqlite3
import sys
import unittest

from scenario import Scenario, until

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from support_py import s3_server, servers  # noqa: E402

APPEND = ["ListBucket", "GetObject", "PutObject", "AbortMultipartUpload"]
# Nothing of the environment that the tests run in.
NO_OTHER_CREDENTIALS = {"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": "", "LITESTREAM_ACCESS_KEY_ID": "",
                        "LITESTREAM_SECRET_ACCESS_KEY": "", "AWS_PROFILE": "", "AWS_EC2_METADATA_DISABLED": "true"}


@s3_server.required
class Refusing(Scenario):
    def setUp(self):
        super().setUp()
        self.server = s3_server.S3Server(self.dir)
        self.addCleanup(self.server.stop)
        self.db = str(self.dir / "app.db")
        self.port = servers.free_port()
        self.profile = self.dir / "credentials"
        self.environment = {**NO_OTHER_CREDENTIALS, "AWS_SHARED_CREDENTIALS_FILE": str(self.profile)}

    def write_profile(self, secret):
        text = f"[default]\naws_access_key_id = writer\naws_secret_access_key = {secret}\n"
        replacement = self.profile.with_suffix(".new")
        replacement.write_text(text)
        replacement.rename(self.profile)

    def start(self, top="", keys=""):
        text = f"socket: {{path: {self.socket}}}\naddr: 127.0.0.1:{self.port}\n{top}\ndbs:\n  - path: {self.db}\n" \
               f"    monitor-interval: 20ms\n    replica:\n      type: s3\n      bucket: {s3_server.BUCKET}\n" \
               f"      path: app\n      endpoint: '{self.server.endpoint}'\n      sync-interval: 20ms\n{keys}"
        config = self.config(text)
        return self.daemon("-config", config, environment=self.environment)

    def details(self):
        return self.ask("status", "-details", self.db)

    def until_state(self, state):
        return until(lambda: (lambda d: d if d.get("replica_state") == state else None)(self.details()), state)

    def get(self, path):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        self.addCleanup(connection.close)
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()

    def metric(self, name, labels=""):
        label = labels or f'{{db="{self.db}"}}'
        line = next((l for l in self.get("/metrics")[1].splitlines() if l.startswith(name + label)), None)
        return None if line is None else float(line.split()[-1])

    def events(self, *kinds):
        """All that was told since the start of the daemon."""
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(30)
            connection.connect(str(self.socket))
            request = {"jsonrpc": "2.0", "method": "watch", "params": {"from": 0, "kinds": list(kinds)}, "id": 1}
            connection.sendall(json.dumps(request).encode() + b"\n")
            lines = connection.makefile("r", encoding="utf-8")
            json.loads(lines.readline())
            return json.loads(lines.readline())["params"]  # waits for the first of the kind

    def restored_from_store(self):
        output = self.dir / "restored.db"
        done = self.run_program("litestreamctl", "restore", "-force", "-o", output, self.server.url("app"),
                                environment=s3_server.ENVIRONMENT)
        self.assertEqual(done.returncode, 0, done.stderr)
        connection = sqlite3.connect(output)
        self.addCleanup(connection.close)
        self.assertEqual(connection.execute("PRAGMA integrity_check").fetchone(), ("ok",))
        return connection.execute("SELECT count(*) FROM t").fetchone()[0]

    def refused_until_known(self, connection, daemon):
        """Everything that tells that the store refuses; the application goes on writing."""
        before = self.details()["txid"]
        self.insert(connection)
        details = self.until_state("auth_failed")
        self.assertEqual(details["last_error"]["code"], "permission_denied")
        for n in range(3):
            self.insert(connection)
            until(lambda: self.details()["txid"] > before + n, "capture")
        status, text = self.get("/healthz")
        self.assertEqual(status, 503)
        self.assertIn(f"{self.db}: auth_failed: ", text)
        self.assertEqual(self.metric("litestream_replica_auth_failed"), 1)
        event = self.events("auth_failed")
        self.assertEqual((event["kind"], event["path"], event["code"]), ("auth_failed", self.db, "permission_denied"))
        for secret in ("first-secret", "second-secret"):
            self.assertNotIn(secret, daemon.log + daemon.errors + text + json.dumps(details) + json.dumps(event))

    def caught_up(self, rows):
        self.until_state("ok")
        until(lambda: (lambda d: d["replicated_txid"] == d["txid"])(self.details()), "the uploads")
        self.assertEqual(self.get("/healthz"), (200, "ok\n"))
        self.assertEqual(self.metric("litestream_replica_auth_failed"), 0)
        self.assertEqual(self.restored_from_store(), rows)

    def test_a_new_secret_in_the_profile_file_is_found(self):
        self.server.account("writer", "first-secret", [*APPEND, "DeleteObject"])
        self.write_profile("first-secret")
        connection = self.database()
        daemon = self.start()
        self.until_state("ok")
        self.ask("sync", "-wait", self.db)
        self.server.change_secret("writer", "second-secret")
        self.refused_until_known(connection, daemon)
        self.write_profile("second-secret")
        self.caught_up(7)
        self.assertEqual(daemon.end(), 0, daemon.errors)

    def test_a_new_secret_in_the_configuration_is_taken_over_by_a_reload(self):
        def keys(secret):
            return f"      access-key-id: writer\n      secret-access-key: {secret}\n"
        self.server.account("writer", "first-secret", [*APPEND, "DeleteObject"])
        connection = self.database()
        daemon = self.start(keys=keys("first-secret"))
        self.ask("sync", "-wait", self.db)
        self.server.change_secret("writer", "second-secret")
        self.refused_until_known(connection, daemon)
        config = self.dir / "litestream.yml"
        config.write_text(config.read_text().replace("first-secret", "second-secret"))
        daemon.process.send_signal(signal.SIGHUP)
        self.caught_up(7)
        self.assertEqual(daemon.end(), 0, daemon.errors)

    FAST = "levels: [{interval: 300ms}]\nl0-retention: 300ms\nl0-retention-check-interval: 100ms"

    def test_a_store_that_refuses_to_delete_holds_a_replica_that_grows(self):
        self.server.account("writer", "first-secret", APPEND)
        self.write_profile("first-secret")
        connection = self.database()
        daemon = self.start(top=self.FAST)
        self.ask("sync", "-wait", self.db)

        def refused():
            self.insert(connection)
            return self.details().get("replica_state") == "retention_refused"
        until(refused, "retention to be refused")
        details = self.details()
        self.assertEqual(details["last_error"]["code"], "permission_denied")
        event = self.events("error")
        self.assertEqual(event["code"], "permission_denied")
        self.assertTrue(event["detail"].startswith("retention refused: "), event)
        self.assertEqual(self.metric("litestream_replica_retention_refused"), 1)
        self.assertEqual(self.metric("litestream_database_error"), 0)
        # Uploads and compactions go on.
        compacted = [k for k in self.server.keys() if k.startswith("app/0001/")]
        first = [k for k in self.server.keys() if k.startswith("app/0000/")]
        for _ in range(3):
            self.insert(connection)
            self.ask("sync", "-wait", self.db)
        until(lambda: len([k for k in self.server.keys() if k.startswith("app/0001/")]) > len(compacted), "compaction")
        self.assertEqual([k for k in first if k not in self.server.keys()], [])
        self.assertEqual(self.get("/healthz"), (200, "ok\n"))
        self.assertEqual(self.restored_from_store(), connection.execute("SELECT count(*) FROM t").fetchone()[0])
        # Not once a check interval: the store is asked again an hour later.
        deletes = '{replica_type="s3",operation="DELETE"}'
        self.assertEqual(self.metric("litestream_replica_operation_total", deletes), 1)
        self.assertEqual(daemon.end(), 0, daemon.errors)
        self.assertEqual(daemon.log.count("the store refuses to delete, the replica grows"), 1)

    def test_append_only(self):
        self.server.account("writer", "first-secret", APPEND)
        self.write_profile("first-secret")
        connection = self.database()
        daemon = self.start(top=self.FAST + "\nretention: {enabled: false}")
        for _ in range(3):
            self.insert(connection)
            self.ask("sync", "-wait", self.db)
        until(lambda: [k for k in self.server.keys() if k.startswith("app/0001/")], "compaction")
        self.assertEqual(self.details()["replica_state"], "ok")
        self.assertIsNone(self.metric("litestream_replica_operation_total", '{replica_type="s3",operation="DELETE"}'))
        self.assertEqual(self.restored_from_store(), 6)
        self.assertEqual(daemon.end(), 0, daemon.errors)


if __name__ == "__main__":
    unittest.main(verbosity=2)
