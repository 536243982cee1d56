#!/usr/bin/env python3
"""The shell snippets of the control page, run by a shell as they stand there; only /data, /var/run, /etc and the port of
the curl example are others. The texts of its troubleshooting section come out word for word."""
import json
import os
import pathlib
import re
import socket
import subprocess
import unittest

from scenario import BIN, LIMIT, Scenario, until

MULTI_TENANT = """
# Start the daemon with socket enabled
litestream replicate -config /etc/litestream.yml

# Dynamically add a new tenant database
litestream start -socket /var/run/litestream.sock -config tenant-replica.yml -wait /data/tenant-abc.db

# Check status
litestream status -socket /var/run/litestream.sock /data/tenant-abc.db

# Force a sync before maintenance
litestream sync -socket /var/run/litestream.sock -wait /data/tenant-abc.db

# Stop replication when tenant is inactive
litestream stop -socket /var/run/litestream.sock /data/tenant-abc.db
"""

FAILOVER = """
#!/bin/bash
SOCKET=/var/run/litestream.sock

# Acquire distributed lock for this database
if acquire_lock "db-primary-lock"; then
    # We have the lock - start replication
    litestream start -socket $SOCKET -wait /data/app.db

    # Run application
    ./my-app

    # Clean shutdown - stop replication
    litestream stop -socket $SOCKET /data/app.db

    # Release lock
    release_lock "db-primary-lock"
fi
"""

PRE_SHUTDOWN = """
SOCKET=/var/run/litestream.sock

# Force final sync before stopping daemon
litestream sync -socket $SOCKET -wait -timeout 60 /data/app.db

# Stop the database
litestream stop -socket $SOCKET /data/app.db

# Now safe to stop daemon
kill $LITESTREAM_PID
"""

CURL = """
curl -X POST http://localhost:9090/control/ \\
  -H "Content-Type: application/json" \\
  -d '{
    "jsonrpc": "2.0",
    "method": "list",
    "id": 1
  }'
"""

CONFIGURATION = """
# litestream.yml
socket:
  path: /var/run/litestream.sock  # Required to enable control socket
  permissions: 0600                # Owner-only access (default)
  persist-to-config: false         # Persist enabled state to config (optional)
"""

INSTANCES = ["""
# Instance 1
socket:
  path: /var/run/litestream-app1.sock
""", """
# Instance 2
socket:
  path: /var/run/litestream-app2.sock
"""]

HTTP_CONFIGURATION = """
addr: "localhost:9090"  # Enables both /metrics and /control/ endpoints
"""

SAAS_CONFIG = """
# Main config - no databases configured
dbs: []
socket:
  path: /var/run/litestream.sock
"""

SAAS = """
SOCKET=/var/run/litestream.sock

# When tenant signs up
litestream start -socket $SOCKET -config tenant-config.yml /data/tenant-${ID}.db

# When tenant becomes inactive
litestream stop -socket $SOCKET /data/tenant-${ID}.db
"""

ACTIVE_PASSIVE = """
SOCKET=/var/run/litestream.sock

# On primary node
if is_primary; then
    litestream start -socket $SOCKET -wait /data/app.db
else
    litestream stop -socket $SOCKET /data/app.db
fi
"""

MAINTENANCE = """
SOCKET=/var/run/litestream.sock

# Before maintenance
litestream stop -socket $SOCKET /data/app.db

# Perform maintenance
./maintenance-script.sh

# Resume replication
litestream start -socket $SOCKET -wait /data/app.db
"""

CRONTAB = """
# Cron: Stop replication at night
0 22 * * * litestream stop -socket /var/run/litestream.sock /data/app.db

# Cron: Resume in the morning
0 6 * * * litestream start -socket /var/run/litestream.sock -wait /data/app.db
"""

START_EXAMPLES = """
# Start replication (async)
litestream start -socket /var/run/litestream.sock /data/app.db

# Start with explicit config and wait for confirmation
litestream start -socket /var/run/litestream.sock -config app-replica.yml -wait /data/app.db

# Start with custom timeout
litestream start -socket /var/run/litestream.sock -wait -timeout 60 /data/app.db
"""

STOP_EXAMPLES = """
# Stop replication
litestream stop -socket /var/run/litestream.sock /data/app.db

# Stop with a custom timeout
litestream stop -socket /var/run/litestream.sock -timeout 60 /data/app.db
"""

SYNC_EXAMPLES = """
# Trigger sync (async)
litestream sync -socket /var/run/litestream.sock /data/app.db

# Trigger sync and wait for completion
litestream sync -socket /var/run/litestream.sock -wait /data/app.db
"""

# The page has one program, `litestream`: `replicate` is the daemon, all else the command line.
LITESTREAM = """#!/bin/sh
if [ "$1" = replicate ]; then shift; exec {bin}/litestreamd "$@"; fi
exec {bin}/litestreamctl "$@"
"""


class Page(Scenario):
    def setUp(self):
        super().setUp()
        for name in ("bin", "data", "run", "etc"):
            (self.dir / name).mkdir()
        self.socket = self.dir / "run/litestream.sock"
        self.command("litestream", LITESTREAM.format(bin=BIN.resolve()))
        self.port = free_port()

    def command(self, name, text):
        """A program on the PATH, or ./NAME."""
        path = self.dir / (name if name.startswith("./") else f"bin/{name}")
        path.write_text(text)
        path.chmod(0o755)

    def here(self, text):
        for there in ("/data/", "/etc/"):
            text = text.replace(there, f"{self.dir}{there}")
        return text.replace("/var/run/", f"{self.dir}/run/").replace("localhost:9090", f"localhost:{self.port}")

    def sh(self, text, status=0, **environment):
        """Runs it by `sh -e`; its output."""
        done = subprocess.run(["sh", "-e"], input=self.here(text), capture_output=True, text=True, timeout=LIMIT,
                              cwd=self.dir, check=False,
                              env={**os.environ, "PATH": f"{self.dir}/bin:{os.environ['PATH']}", **environment})
        self.assertEqual(done.returncode, status, done.stderr)
        self.assertEqual([l for l in done.stderr.splitlines() if l.startswith("Error")], [])
        return done.stdout

    def results(self, output):
        """The JSON values one after another."""
        decoder, values, rest = json.JSONDecoder(), [], output.strip()
        while rest:
            value, end = decoder.raw_decode(rest)
            values.append(value)
            rest = rest[end:].lstrip()
        return values

    def serve(self, databases=("app.db",), extra=""):
        text = f"socket:\n  path: {self.socket}\naddr: \"localhost:{self.port}\"\n{extra}\ndbs:\n"
        for name in databases:
            text += f"  - path: {self.dir}/data/{name}\n    replica: {{path: {self.dir}/r-{name}, sync-interval: 1h}}\n"
        return self.daemon("-config", self.config(text if databases else text + "  []\n", "etc/litestream.yml"))

    def tenant(self, name, file):
        self.config(f"dbs:\n  - path: {self.dir}/data/{name}\n    replica:\n      path: {self.dir}/r-{name}\n", file)

    def statuses(self):
        return {pathlib.Path(e["path"]).name: e["status"] for e in self.ask("list")}


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Configuration(Page):
    def running(self, text, name="litestream.yml"):
        return self.daemon("-config", self.config(self.here(text), f"etc/{name}"))

    def test_the_socket_section(self):
        self.running(CONFIGURATION)
        self.assertEqual(self.socket.stat().st_mode & 0o777, 0o600)
        info = self.ask("info")
        self.assertEqual((info["socket_path"], info["http_addr"], info["persist_to_config"]), (str(self.socket), "", False))

    def test_several_instances(self):
        for number, text in enumerate(INSTANCES):
            self.running(text, f"{number}.yml")
        pids = {self.results(self.sh(f"litestream info -socket /var/run/litestream-app{n}.sock"))[0]["pid"] for n in (1, 2)}
        self.assertEqual(len(pids), 2)

    def test_the_http_api(self):
        self.running(HTTP_CONFIGURATION)
        self.assertEqual(json.loads(self.sh(CURL))["result"], [])
        self.assertIn("litestream_databases 0", self.sh("curl -s http://localhost:9090/metrics").splitlines())
        self.assertEqual(list((self.dir / "run").iterdir()), [])  # no socket unless configured

    def test_an_empty_socket_is_none(self):
        self.running('socket: ""\n' + HTTP_CONFIGURATION)
        reply = json.loads(self.sh(CURL.replace('"list"', '"info"')))
        self.assertEqual((reply["result"]["socket_path"], reply["result"]["http_addr"]), ("", f"localhost:{self.port}"))
        self.assertEqual(list((self.dir / "run").iterdir()), [])


class UsageExamples(Page):
    def test_dynamic_multi_tenant_scenario(self):
        self.config(f"dbs: []\nsocket: {{path: {self.socket}}}\n", "etc/litestream.yml")
        self.database("data/tenant-abc.db", rows=5)
        self.tenant("tenant-abc.db", "tenant-replica.yml")
        # The daemon runs until it is ended: in the background, and waited for, as a reader of the page would.
        script = MULTI_TENANT.replace("litestream.yml\n", "litestream.yml >daemon.log 2>&1 & DAEMON=$!\n"
                                      "until [ -S /var/run/litestream.sock ]; do :; done\n"
                                      "trap 'kill $DAEMON; wait $DAEMON' EXIT\n", 1)
        started, status, synced, stopped = self.results(self.sh(script))
        db = f"{self.dir}/data/tenant-abc.db"
        self.assertEqual((started["status"], started["path"]), ("started", db))
        self.assertEqual(status, {"path": db, "status": "open"})
        self.assertIn(synced["status"], ("synced", "no_change"))
        self.assertEqual((stopped["status"], stopped["path"]), ("stopped", db))
        self.assertEqual(self.restored_rows("tenant-abc.db"), 5)

    def lock_commands(self, free):
        self.command("acquire_lock", f'#!/bin/sh\necho "acquire $1" >>{self.dir}/lock.log\nexit {0 if free else 1}\n')
        self.command("release_lock", f'#!/bin/sh\necho "release $1" >>{self.dir}/lock.log\n')
        self.command("./my-app", f"#!/bin/sh\n{BIN.resolve()}/litestreamctl list -socket {self.socket} >{self.dir}/seen\n"
                                 f"python3 -c 'import sqlite3; c = sqlite3.connect(\"{self.dir}/data/app.db\"); "
                                 f"c.execute(\"INSERT INTO t VALUES (1)\"); c.commit()'\n")

    def test_failover_with_external_locks(self):
        self.database("data/app.db")
        self.serve()
        self.ask("stop", f"{self.dir}/data/app.db")
        self.lock_commands(free=False)
        self.sh(FAILOVER)
        self.assertEqual((self.dir / "lock.log").read_text(), "acquire db-primary-lock\n")
        self.assertEqual(self.statuses(), {"app.db": "closed"})
        self.lock_commands(free=True)
        self.sh(FAILOVER)
        self.assertEqual(json.loads((self.dir / "seen").read_text())[0]["status"], "open")
        self.assertEqual(self.statuses(), {"app.db": "closed"})
        self.assertTrue((self.dir / "lock.log").read_text().endswith("release db-primary-lock\n"))
        self.assertEqual(self.restored_rows(), 4)  # also what the application wrote

    def test_pre_shutdown_sync(self):
        connection = self.database("data/app.db")
        daemon = self.serve()
        until(lambda: self.ctl("sync", "-wait", "-socket", self.socket, "data/app.db").returncode == 0, "the start")
        self.insert(connection, 100)
        self.sh(PRE_SHUTDOWN, LITESTREAM_PID=str(daemon.process.pid))
        self.assertEqual(daemon.wait(), 0, daemon.errors)
        self.assertEqual(self.restored_rows(), 103)

    def test_the_examples_of_start_stop_and_sync(self):
        self.database("data/app.db")
        self.serve()
        self.tenant("app.db", "app-replica.yml")
        stop = "litestream stop -socket /var/run/litestream.sock /data/app.db"
        starts = [line for line in START_EXAMPLES.splitlines() if line.startswith("litestream")]
        self.assertEqual(len(starts), 3)
        for line in starts:
            self.sh(stop)
            self.assertEqual(self.results(self.sh(line))[0]["status"], "started", line)
            self.assertEqual(self.statuses(), {"app.db": "open"})
        for line in [line for line in SYNC_EXAMPLES.splitlines() if line.startswith("litestream")]:
            self.assertIn(self.results(self.sh(line))[0]["status"], ("synced", "synced_local", "no_change"))
        for line in [line for line in STOP_EXAMPLES.splitlines() if line.startswith("litestream")]:
            self.assertEqual(self.results(self.sh(line))[0]["status"], "stopped")
            self.sh(starts[2])

    def test_without_wait_start_does_not_block(self):
        self.serve()  # the database file does not exist, so that replication can not begin
        self.sh("litestream stop -socket /var/run/litestream.sock /data/app.db")
        started = self.results(self.sh("litestream start -socket /var/run/litestream.sock /data/app.db"))[0]
        self.assertEqual((started["status"], started["path"]), ("started", f"{self.dir}/data/app.db"))

    def test_curl(self):
        self.database("data/app.db")
        self.serve()
        self.assertEqual(json.loads(self.sh(CURL)),
                         {"jsonrpc": "2.0", "result": [{"path": f"{self.dir}/data/app.db", "status": "open"}], "id": 1})


class UseCases(Page):
    def test_1_multi_tenant_saas(self):
        self.daemon("-config", self.config(self.here(SAAS_CONFIG), "etc/litestream.yml"))
        self.assertEqual(self.statuses(), {})
        for number in ("7", "8"):
            self.database(f"data/tenant-{number}.db", rows=int(number))
            self.tenant(f"tenant-{number}.db", "tenant-config.yml")
            started, stopped = self.results(self.sh(SAAS, ID=number))
            self.assertEqual((started["status"], stopped["status"]), ("started", "stopped"))
            self.assertEqual(self.restored_rows(f"tenant-{number}.db"), int(number))
        self.assertEqual(self.statuses(), {"tenant-7.db": "closed", "tenant-8.db": "closed"})

    def test_2_active_passive_failover(self):
        self.database("data/app.db")
        self.serve()
        self.command("is_primary", "#!/bin/sh\nexit 1\n")
        self.sh(ACTIVE_PASSIVE)
        self.assertEqual(self.statuses(), {"app.db": "closed"})
        self.command("is_primary", "#!/bin/sh\nexit 0\n")
        self.sh(ACTIVE_PASSIVE)
        self.assertEqual(self.statuses(), {"app.db": "open"})

    def test_3_maintenance_windows(self):
        self.database("data/app.db")
        self.serve()
        self.command("./maintenance-script.sh",
                     f"#!/bin/sh\n{BIN.resolve()}/litestreamctl list -socket {self.socket} >{self.dir}/seen\n"
                     f"python3 -c 'import sqlite3; c = sqlite3.connect(\"{self.dir}/data/app.db\"); "
                     f"c.execute(\"DELETE FROM t\"); c.commit(); c.execute(\"VACUUM\")'\n")
        self.sh(MAINTENANCE)
        self.assertEqual(json.loads((self.dir / "seen").read_text())[0]["status"], "closed")
        self.assertEqual(self.statuses(), {"app.db": "open"})
        self.sh("litestream sync -socket /var/run/litestream.sock -wait /data/app.db")
        self.assertEqual(self.restored_rows(), 0)

    def test_4_cost_optimization(self):
        self.database("data/app.db")
        self.serve()
        lines = re.findall(r"(?m)^(?:\S+ ){5}(litestream .*)$", CRONTAB)
        self.assertEqual(len(lines), 2)
        for _ in range(2):  # two days
            self.sh(lines[0])
            self.assertEqual(self.statuses(), {"app.db": "closed"})
            self.sh(lines[1])
            self.assertEqual(self.statuses(), {"app.db": "open"})


class Troubleshooting(Page):
    def said(self, text, status=1):
        done = subprocess.run(["sh", "-c", self.here(text)], capture_output=True, text=True, timeout=LIMIT,
                              cwd=self.dir, check=False,
                              env={**os.environ, "PATH": f"{self.dir}/bin:{os.environ['PATH']}"})
        self.assertEqual((done.returncode, done.stdout), (status, ""))
        return done.stderr.splitlines()[0]

    def test_socket_path_required(self):
        self.assertEqual(self.said("litestream start /data/app.db", status=2),
                         "Error: socket path required; use -socket flag")

    def test_socket_connection_failed(self):
        self.assertEqual(self.said("litestream start -socket /var/run/litestream.sock /data/app.db"),
                         self.here("Error: failed to connect to control socket: dial unix /var/run/litestream.sock: "
                                   "connect: no such file or directory"))

    @unittest.skipUnless(os.geteuid() == 0, "needs another user")
    def test_permission_denied(self):
        self.database("data/app.db")
        self.serve()
        self.assertEqual(self.socket.stat().st_mode & 0o777, 0o600)
        self.dir.chmod(0o755)
        done = subprocess.run([BIN.resolve() / "litestreamctl", "list", "-socket", self.socket], capture_output=True,
                              text=True, timeout=LIMIT, check=False, cwd="/", user=65534, group=65534, extra_groups=[])
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        self.assertEqual(done.stderr.splitlines()[0],
                         self.here("Error: failed to connect to control socket: dial unix /var/run/litestream.sock: "
                                   "connect: permission denied"))

    def test_database_not_found(self):
        self.serve(databases=())
        for verb in ("start", "stop", "sync", "status"):
            self.assertEqual(self.said(f"litestream {verb} -socket /var/run/litestream.sock /data/app.db"),
                             self.here("Error: database not found: /data/app.db"))

    def test_timeout_waiting_for_start(self):
        self.serve()  # the database file does not exist
        self.sh("litestream stop -socket /var/run/litestream.sock /data/app.db")
        self.assertEqual(self.said("litestream start -socket /var/run/litestream.sock -wait --timeout 1 /data/app.db"),
                         "Error: timeout waiting for start")


class Http(Page):
    """The request, the response and the error of the page's HTTP section."""

    def post(self, body):
        return json.loads(self.sh(f"curl -s -X POST http://localhost:9090/control/ -H 'Content-Type: application/json' "
                                  f"-d '{body}'"))

    def test_the_request_and_the_response(self):
        self.database("data/app.db")
        self.serve()
        self.sh("litestream stop -socket /var/run/litestream.sock /data/app.db")
        request = """{
  "jsonrpc": "2.0",
  "method": "start",
  "params": {
    "path": "/data/app.db",
    "wait": true,
    "timeout": 30
  },
  "id": 1
}"""
        reply = self.post(request)
        self.assertEqual((reply["jsonrpc"], reply["id"], reply["result"]["status"], reply["result"]["path"]),
                         ("2.0", 1, "started", f"{self.dir}/data/app.db"))

    def test_the_error(self):
        self.serve(databases=())
        reply = self.post('{"jsonrpc": "2.0", "method": "start", "params": {"path": "/data/app.db"}, "id": 1}')
        self.assertEqual((reply["jsonrpc"], reply["id"], reply["error"]["code"], reply["error"]["message"]),
                         ("2.0", 1, -32001, f"database not found: {self.dir}/data/app.db"))

    def test_every_method_of_the_page_is_there(self):
        self.database("data/app.db")
        self.serve()
        for method in ("list", "databases", "info"):
            self.assertIn("result", self.post(f'{{"jsonrpc": "2.0", "method": "{method}", "id": 1}}'))
        for method in ("status", "sync", "stop", "start"):
            self.assertIn("result", self.post(f'{{"jsonrpc": "2.0", "method": "{method}", '
                                              f'"params": {{"path": "/data/app.db"}}, "id": 1}}'), method)


if __name__ == "__main__":
    unittest.main(verbosity=2)
