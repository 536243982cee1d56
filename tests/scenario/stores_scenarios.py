#!/usr/bin/env python3
"""litestreamd and litestreamctl with replicas in SFTP and NATS."""
import json
import pathlib
import shutil
import signal
import sys
import unittest

from scenario import until
from store_scenario import StoreScenario

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from support_py import nats_server, sftp_server  # noqa: E402


class RemoteStore(StoreScenario):
    """A test class says `server`, `replica`, the lines of a replica in the file, and `shown`, its address."""

    def replica_config(self, **other):
        lines = {"sync-interval": "20ms", **self.replica, **other}
        text = f"socket: {{path: {self.socket}}}\ndbs:\n  - path: {self.db}\n    replica:\n"
        text += "".join(f"      {key}: {json.dumps(value)}\n" for key, value in lines.items() if value is not None)
        return self.config(text)

    def last_error(self):
        return self.ask("status", "-details", self.db).get("last_error")

    def replicate_and_restore(self, kind, address, secrets):
        connection = self.database()
        config = self.replica_config()
        daemon = self.daemon("-config", config)
        self.synced()
        self.insert(connection, 4)
        self.synced()
        self.assertEqual(self.ask("status", "-details", self.db)["replica"], self.shown)
        # By the configuration, and by the address.
        self.assertEqual(self.rows_of(self.db, "-config", config), 7)
        self.assertEqual(self.rows_of(address), 7)
        self.assertEqual(self.rows_of(address, "-txid", "0000000000000001"), 3)
        for source in (("-config", config, self.db), (address,)):
            listed = self.ctl("ltx", "-json", *source)
            self.assertEqual(listed.stderr, "")
            self.assertEqual(json.loads(listed.stdout)[0]["min_txid"], "0000000000000001")
        self.assertEqual(json.loads(self.ctl("databases", "-json", "-config", config).stdout),
                         [{"path": self.db, "replica": kind}])
        plan = self.ctl("restore", "-dry-run", "-o", "x.db", address)
        self.assertIn(f"source: {self.shown}", plan.stdout)
        self.assertEqual(daemon.end(), 0, daemon.errors)
        self.assertIn(self.shown, daemon.log)
        for secret in secrets:
            self.assertNotIn(secret, daemon.log + daemon.errors + plan.stdout)

    def catch_up_after_an_outage(self):
        connection = self.database()
        daemon = self.daemon("-config", self.replica_config())
        self.synced()
        self.server.stop()
        for _ in range(5):
            self.insert(connection)
        until(lambda: self.last_error(), "the outage to be told")
        self.assertEqual(self.last_error()["code"], "unavailable")
        self.server.start()
        self.assertGreaterEqual(self.synced(), 2)
        self.assertEqual(self.rows_of(self.db, "-config", self.dir / "litestream.yml"), 8)
        self.assertEqual(daemon.end(), 0, daemon.errors)

    def told_and_mended(self, code, words, **wrong):
        """What `wrong` causes is told; the right configuration is taken over by a reload."""
        self.database()
        daemon = self.daemon("-config", self.replica_config(**wrong))
        error = until(lambda: self.last_error(), "the refusal")
        self.assertEqual(error["code"], code, error)
        for word in words:
            self.assertIn(word, error["message"])
        for value in wrong.values():
            self.assertNotIn(str(value), daemon.log)
        self.replica_config()
        daemon.process.send_signal(signal.SIGHUP)
        until(lambda: self.ask("status", "-details", self.db).get("replicated_txid") == 1, "the upload")

    def registered_with_a_secret(self, address, secret):
        """A registered address works with its secret, shows none and is not written to the file."""
        self.database()
        config = self.config(f"socket: {{path: {self.socket}}}\ndbs: []\n")
        daemon = self.daemon("-config", config)
        call = {"path": self.db, "replica_url": address, "persist": True}
        refused = self.ctl("rpc", "-socket", self.socket, "register", json.dumps(call))
        self.assertEqual(refused.returncode, 1)
        self.assertIn("it holds a secret", refused.stderr)
        self.assertNotIn(secret, refused.stderr)
        del call["persist"]
        self.ask("rpc", "register", json.dumps(call))
        self.synced()
        self.assertEqual(self.ask("status", "-details", self.db)["replica"], self.shown)
        self.assertEqual(self.rows_of(address), 3)
        self.assertNotIn(secret, config.read_text() + daemon.log)


@sftp_server.required
class SftpReplica(RemoteStore):
    def setUp(self):
        super().setUp()
        self.server = sftp_server.SftpServer(self.dir)
        self.addCleanup(self.server.stop)
        self.replica = {"type": "sftp", "host": self.server.host, "user": self.server.user,
                        "key-path": str(self.server.key), "host-key": self.server.host_key("ed25519"),
                        "path": self.server.path("app")}
        self.shown = self.server.location("app")

    def test_replicated_and_restored(self):
        address = self.shown + self.server.parameters()
        self.replicate_and_restore("sftp", address, [])
        self.assertIn("app/ltx/0/0000000000000001-0000000000000001.ltx", self.server.files())

    def test_catches_up_after_an_outage(self):
        self.catch_up_after_an_outage()

    def test_an_unknown_server_is_refused(self):
        # Neither a key nor a known host is configured: the peer would send the data to whoever answers.
        known = self.dir / "known"
        known.write_text("")
        self.told_and_mended("permission_denied", ["is not in known_hosts", "SHA256:"],
                             **{"host-key": None, "known-hosts-path": str(known)})

    def test_known_hosts_or_none_at_all(self):
        known = self.dir / "known"
        known.write_text(f"[127.0.0.1]:{self.server.port} {self.server.host_key('rsa')}\n")
        self.database()
        for other in ({"known-hosts-path": str(known)}, {"accept-any-host-key": True}):
            daemon = self.daemon("-config", self.replica_config(**{"host-key": None}, **other))
            self.assertEqual(self.synced(), 1)
            self.assertEqual(daemon.end(), 0, daemon.errors)

    def test_another_host_key_is_refused(self):
        other = self.dir / "other"
        sftp_server.make_key(other)
        self.told_and_mended("permission_denied", ["the host key is not the configured one"],
                             **{"host-key": self.server.public(other).strip()})

    def test_a_wrong_key_is_told_and_the_right_one_taken_over(self):
        other = self.dir / "other"
        sftp_server.make_key(other)
        self.told_and_mended("permission_denied", [], **{"key-path": str(other)})

    def test_a_path_below_the_login_directory(self):
        self.database()
        replica = self.dir.name  # the login directory is the user's
        self.addCleanup(shutil.rmtree, pathlib.Path.home() / replica, True)
        daemon = self.daemon("-config", self.replica_config(path=replica))
        self.synced()
        shown = f"sftp://{self.server.user}@{self.server.host}/~/{replica}"
        self.assertEqual(self.ask("status", "-details", self.db)["replica"], shown)
        self.assertEqual(self.rows_of(shown + self.server.parameters()), 3)
        self.assertEqual(daemon.end(), 0, daemon.errors)


@nats_server.required
class NatsReplica(RemoteStore):
    PROGRAM = nats_server.PROGRAM

    def setUp(self):
        super().setUp()
        self.server = nats_server.NatsServer(self.dir, self.PROGRAM)
        self.addCleanup(self.server.stop)
        self.replica = {"url": f"{self.server.url}/backups", "username": nats_server.USER,
                        "password": nats_server.PASSWORD, "create-bucket": True}
        self.shown = f"{self.server.url}/backups"
        self.address = self.shown.replace("//", f"//{nats_server.USER}:{nats_server.PASSWORD}@")

    def test_replicated_and_restored(self):
        self.replicate_and_restore("nats", self.address, [nats_server.PASSWORD])

    def test_catches_up_after_an_outage(self):
        self.catch_up_after_an_outage()

    def test_a_wrong_password_is_told_and_the_right_one_taken_over(self):
        self.told_and_mended("permission_denied", [], password="not-this-hush")

    def test_a_missing_bucket_is_no_empty_replica(self):
        self.told_and_mended("invalid_argument", ["backups"], **{"create-bucket": None})

    def test_registered_by_an_address_with_a_password(self):
        self.registered_with_a_secret(self.address + "?create-bucket=true", nats_server.PASSWORD)


@nats_server.current_required
class NatsReplicaOnACurrentServer(NatsReplica):
    PROGRAM = nats_server.CURRENT


if __name__ == "__main__":
    unittest.main(verbosity=2)
