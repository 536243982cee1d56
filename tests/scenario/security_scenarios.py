#!/usr/bin/env python3
"""Who may steer the daemon: other users, tokens, certificates, and their exchange while it runs."""
import json
import os
import signal
import subprocess
import unittest
import urllib.error
import urllib.request

from scenario import BIN, LIMIT, Scenario, until

NOBODY = 65534
ADMIN, READER, NEXT = ("0123456789abcdef-" + name for name in ("admin", "reader", "next"))


class Security(Scenario):
    def setUp(self):
        super().setUp()
        self.dir.chmod(0o755)
        self.database()

    def secret(self, name, text, mode=0o600):
        path = self.dir / name
        path.write_text(text + "\n")
        path.chmod(mode)
        return path

    def running(self, extra):
        daemon = self.daemon("-config", self.standard("app.db", extra=extra))
        line = next((l for l in daemon.log.splitlines() if "serving metrics on" in l), None)
        if line:
            self.url = line.split("url=")[1].rsplit("/", 1)[0]
        return daemon

    def remote(self, *arguments, token=None, **options):
        environment = {"LITESTREAM_TOKEN": token} if token else None
        return self.run_program("litestreamctl", *arguments, "-addr", self.url, environment=environment, **options)

    def as_nobody(self, *arguments):
        return subprocess.run([BIN / "litestreamctl", *map(str, arguments), "-socket", self.socket], text=True,
                              capture_output=True, timeout=LIMIT, check=False, user=NOBODY, group=NOBODY,
                              extra_groups=[])

    def hang_up(self, daemon, said):
        """SIGHUP, until the daemon has said so once more than before."""
        before = daemon.log.count(said)
        daemon.process.send_signal(signal.SIGHUP)
        until(lambda: daemon.log.count(said) > before, said)

    def failed(self, done, message):
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        self.assertEqual(done.stderr.splitlines()[0], f"Error: {message}")


class Tokens(Security):
    def configuration(self):
        return ("addr: 127.0.0.1:0\ncontrol:\n  audit-log: audit.log\n  tokens:\n"
                "    - {name: deploy, file: admin.token, role: admin}\n"
                "    - {name: watch, env: WATCH_TOKEN, role: read}")

    def setUp(self):
        super().setUp()
        os.environ["WATCH_TOKEN"] = READER
        self.addCleanup(os.environ.pop, "WATCH_TOKEN")
        self.token_file = self.secret("admin.token", ADMIN)

    def test_roles_over_tcp(self):
        daemon = self.running(self.configuration())
        self.failed(self.remote("list"), "authentication required")
        self.failed(self.remote("list", token="0123456789abcdef-wrong"), "authentication required")
        self.assertEqual(json.loads(self.remote("list", token=READER).stdout)[0]["status"], "open")
        self.failed(self.remote("stop", "app.db", token=READER), "not allowed: stop")
        done = self.remote("stop", "app.db", "-token-file", self.token_file)
        self.assertEqual((done.returncode, json.loads(done.stdout)["status"]), (0, "stopped"))
        with urllib.request.urlopen(self.url + "/metrics", timeout=LIMIT) as metrics:
            self.assertEqual(metrics.status, 200)
        self.assertEqual(daemon.end(), 0)
        audit = (self.dir / "audit.log").read_text()
        lines = [json.loads(line) for line in audit.splitlines()]
        self.assertEqual([(l["who"], l.get("method"), l["result"]) for l in lines],
                         [(None, None, "refused"), (None, None, "refused"), ("token watch", "stop", "refused"),
                          ("token deploy", "stop", "ok")])
        self.assertEqual(lines[-1]["params"], {"path": str(self.dir / "app.db")})
        for text in (audit, daemon.log, daemon.errors):
            self.assertNotIn("0123456789abcdef", text)

    def test_a_token_is_exchanged_without_restart(self):
        daemon = self.running(self.configuration())
        self.secret("admin.token", NEXT + "\n" + ADMIN)  # both, as long as some still have the old one
        self.hang_up(daemon, "tokens and certificates read")
        for token in (NEXT, ADMIN):
            self.assertEqual(self.remote("info", token=token).returncode, 0)
        self.secret("admin.token", NEXT, mode=0o644)
        self.hang_up(daemon, "tokens and certificates read")
        self.assertIn("token file can be read by others than its owner", daemon.log)
        self.failed(self.remote("info", token=ADMIN), "authentication required")
        self.assertEqual(self.remote("info", token=NEXT).returncode, 0)
        self.secret("admin.token", ADMIN)
        self.ask("config.reload")  # the same as SIGHUP
        self.failed(self.remote("info", token=NEXT), "authentication required")
        self.secret("admin.token", NEXT)
        self.ask("config.reload")
        self.token_file.unlink()  # nobody is locked out by a mistake
        self.hang_up(daemon, "reload failed")
        self.assertEqual(self.remote("info", token=NEXT).returncode, 0)
        self.assertEqual(daemon.end(), 0)

    def test_the_audit_log_is_rotated(self):
        daemon = self.running(self.configuration())
        self.assertEqual(self.ask("stop", "app.db")["status"], "stopped")
        (self.dir / "audit.log").rename(self.dir / "audit.log.1")
        self.hang_up(daemon, "tokens and certificates read")
        self.assertEqual(self.ask("start", "-wait", "app.db")["status"], "started")
        methods = [json.loads((self.dir / name).read_text())["method"] for name in ("audit.log.1", "audit.log")]
        self.assertEqual(methods, ["stop", "start"])
        self.assertEqual(json.loads((self.dir / "audit.log").read_text())["who"], f"uid {os.getuid()}")
        self.assertEqual(daemon.end(), 0)

    def test_a_token_that_is_not_there_ends_the_start(self):
        self.token_file.unlink()
        daemon = self.daemon("-config", self.standard("app.db", extra=self.configuration()), ready=False)
        self.assertEqual(daemon.wait(), 1)
        self.assertIn(f"Error: cannot read token file {self.token_file}: no such file or directory", daemon.errors)


class OpenToTheNetwork(Security):
    def control_status(self, body=b'{"method":"info","id":1}'):
        try:
            with urllib.request.urlopen(self.url + "/control/", body, LIMIT) as reply:
                return reply.status, json.load(reply)
        except urllib.error.HTTPError as error:
            with error:
                return error.code, json.load(error)

    def test_nothing_but_metrics_without_credentials(self):
        daemon = self.running("addr: 0.0.0.0:0")
        self.url = self.url.replace("0.0.0.0", "127.0.0.1")
        self.assertIn("level=WARN msg=\"control calls on addr are refused", daemon.log)
        status, reply = self.control_status()
        self.assertEqual((status, reply["error"]["data"]["reason"]), (403, "forbidden"))
        with urllib.request.urlopen(self.url + "/metrics", timeout=LIMIT) as metrics:
            self.assertEqual(metrics.status, 200)
        self.assertEqual(daemon.end(), 0)

    def test_unless_the_configuration_says_so(self):
        daemon = self.running("addr: 0.0.0.0:0\ncontrol: {insecure: true}")
        self.url = self.url.replace("0.0.0.0", "127.0.0.1")
        self.assertIn("level=WARN msg=\"control calls on addr need no password", daemon.log)
        self.assertEqual(self.control_status()[0], 200)
        self.assertEqual(daemon.end(), 0)


@unittest.skipUnless(os.getuid() == 0, "not root: another user can not be played")
class OtherUsers(Security):
    def test_only_those_named(self):
        daemon = self.daemon("-config", self.config(
            f"socket:\n  path: {self.socket}\n  permissions: 0666\n  allow-uids: [4711]\ndbs: []\n"))
        self.failed(self.as_nobody("list"), f"not allowed: uid {NOBODY}")
        self.assertEqual(self.ask("list"), [])
        self.assertEqual(daemon.end(), 0)

    def test_a_role_and_databases_of_their_own(self):
        self.database("own.db")
        configuration = self.standard("app.db", "own.db")
        configuration.write_text(configuration.read_text().replace(
            f"path: {self.socket}",
            f"path: {self.socket}, permissions: 0666, "
            f"allow: [{{gid: {NOBODY}, role: operate, databases: [\"{self.dir}/own*\"]}}]"))
        daemon = self.daemon("-config", configuration)
        self.assertEqual([d["path"] for d in json.loads(self.as_nobody("list").stdout)], [f"{self.dir}/own.db"])
        self.assertEqual(self.as_nobody("stop", f"{self.dir}/own.db").returncode, 0)
        self.failed(self.as_nobody("stop", f"{self.dir}/app.db"), f"not allowed: {self.dir}/app.db")
        self.failed(self.as_nobody("start", "-config", configuration, f"{self.dir}/own.db"),
                    "not allowed: parameter config of start")
        self.assertEqual(daemon.end(), 0)

    def test_owner_and_group_of_the_socket(self):
        daemon = self.daemon("-config", self.config(
            f"socket: {{path: {self.socket}, permissions: 0660, user: {NOBODY}, group: {NOBODY}}}\ndbs: []\n"))
        about = self.socket.stat()
        self.assertEqual((about.st_uid, about.st_gid, about.st_mode & 0o777), (NOBODY, NOBODY, 0o660))
        self.assertEqual(json.loads(self.as_nobody("list").stdout), [])
        self.assertEqual(daemon.end(), 0)


class Certificates(Security):
    def openssl(self, *arguments):
        subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True, cwd=self.dir)

    def authority(self):
        self.openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
                     "-subj", "/CN=ca", "-keyout", "ca.key", "-out", "ca.pem")

    def signed(self, name):
        (self.dir / "ext").write_text("subjectAltName=IP:127.0.0.1\n")
        self.openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", f"/CN={name}",
                     "-keyout", f"{name}.key", "-out", f"{name}.csr")
        self.openssl("x509", "-req", "-days", "2", "-in", f"{name}.csr", "-CA", "ca.pem", "-CAkey", "ca.key",
                     "-CAcreateserial", "-extfile", "ext", "-out", f"{name}.pem")

    def test_https_and_new_certificates(self):
        self.authority()
        for name in ("server", "ops", "stranger"):
            self.signed(name)
        daemon = self.running("addr: 127.0.0.1:0\ncontrol: {tls: {cert: server.pem, key: server.key, "
                              "client-ca: ca.pem, clients: [{name: ops, role: operate}]}}")
        self.assertTrue(self.url.startswith("https://"), self.url)
        def shown(name):
            return ("-ca", self.dir / "ca.pem", "-cert", self.dir / f"{name}.pem", "-key", self.dir / f"{name}.key")
        self.assertEqual(json.loads(self.remote("stop", "app.db", *shown("ops")).stdout)["status"], "stopped")
        self.failed(self.remote("info", *shown("stranger")), "authentication required")
        self.failed(self.remote("info", "-ca", self.dir / "ca.pem"), "authentication required")
        self.assertEqual(self.remote("info").returncode, 1)  # nobody that the system trusts
        self.authority()
        self.signed("server")
        self.signed("ops")
        self.assertIn("not trusted", self.remote("info", *shown("ops")).stderr)
        self.hang_up(daemon, "tokens and certificates read")
        self.assertEqual(self.remote("info", *shown("ops")).returncode, 0)
        (self.dir / "server.pem").write_text("broken")
        self.hang_up(daemon, "reload failed")
        self.assertEqual(self.remote("info", *shown("ops")).returncode, 0)
        self.assertEqual(daemon.end(), 0)


if __name__ == "__main__":
    unittest.main(verbosity=2)
