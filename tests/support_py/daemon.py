"""litestreamd or the peer's `replicate`, with one configuration file and one control socket."""
import http.client
import json
import os
import pathlib
import signal
import socket
import subprocess

from . import programs, waiting


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path, timeout):
        super().__init__("localhost", timeout=timeout)
        self.path = str(path)

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


class ControlError(RuntimeError):
    """The daemon refused a request."""


def yaml_value(value):
    if isinstance(value, bool):
        return "true" if value else "false"
    return json.dumps(value) if isinstance(value, str) else str(value)


def yaml_lines(node, indent=""):
    """Maps, lists of maps and scalars: all that configurations need."""
    for key, value in node.items():
        if isinstance(value, dict):
            yield f"{indent}{key}:"
            yield from yaml_lines(value, indent + "  ")
        elif isinstance(value, list):
            yield f"{indent}{key}:"
            for item in value:
                first, *rest = yaml_lines(item, indent + "    ")
                yield f"{indent}  - {first.strip()}"
                yield from rest
        else:
            yield f"{indent}{key}: {yaml_value(value)}"


def database_entry(path, replica, **settings):
    """`settings` with _ for -; sync_interval goes to the replica."""
    target = {"type": "file", "path": str(replica)}
    if "sync_interval" in settings:
        target["sync-interval"] = settings.pop("sync_interval")
    return {"path": str(path), **{k.replace("_", "-"): v for k, v in settings.items()}, "replica": target}


class Daemon:
    """`kind` is "ours" or "peer". Use as a context manager: what still runs at its end is killed."""

    def __init__(self, kind, directory, databases, **top_level):
        self.kind = kind
        self.directory = pathlib.Path(directory)
        self.socket = self.directory / "control.sock"
        self.log = self.directory / f"{kind}.log"
        self.config = self.directory / f"{kind}.yml"
        self.process = None
        config = {"socket": {"enabled": True, "path": str(self.socket)}}
        config.update({k.replace("_", "-"): v for k, v in top_level.items()})
        config["dbs"] = databases
        self.config.write_text("\n".join(yaml_lines(config)) + "\n")

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.kill()

    def command(self):
        program = [programs.ours("litestreamd")] if self.kind == "ours" else [programs.peer(), "replicate"]
        return [*program, "-config", str(self.config)]

    def start(self):
        with open(self.log, "a", encoding="utf-8") as log:
            self.process = subprocess.Popen(self.command(), stdout=log, stderr=log, env=programs.environment())
        waiting.until(self._answers, f"{self.kind} daemon to answer, see {self.log}")
        return self

    @property
    def pid(self):
        return self.process.pid

    def _answers(self):
        if self.process.poll() is not None:
            raise programs.Failed(f"daemon ended with {self.process.returncode}:\n{self.log.read_text()}")
        try:
            return self.request("info")
        except (OSError, http.client.HTTPException, ControlError):
            return None

    def request(self, operation, params=None, timeout=60):
        """`info`, `list`, `sync`… in the daemon's own protocol: JSON-RPC for ours, REST for the peer's."""
        if self.kind == "ours":
            call = {"jsonrpc": "2.0", "id": 1, "method": operation, **({"params": params} if params else {})}
            answer = self._http("POST", "/control/", call, timeout)
            if "error" in answer:
                raise ControlError(f"{operation}: {answer['error']}")
            return answer["result"]
        return self._http("POST" if params else "GET", f"/{operation}", params, timeout)

    def _http(self, method, route, body, timeout):
        connection = UnixConnection(self.socket, timeout)
        try:
            payload = None if body is None else json.dumps(body)
            connection.request(method, route, payload, {"Content-Type": "application/json"})
            response = connection.getresponse()
            data = response.read().decode()
        finally:
            connection.close()
        if response.status != 200:
            raise ControlError(f"{method} {route}: {response.status} {data.strip()}")
        return json.loads(data)

    def sync(self, database, timeout=30):
        """What is committed now is on the replica afterwards."""
        return self.request("sync", {"path": str(database), "wait": True, "timeout": timeout})

    def sync_when_open(self, database, patience=20):
        """As sync, for a daemon that has just started."""
        def attempt():
            try:
                return self.sync(database)
            except ControlError:
                return None
        return waiting.until(attempt, f"{database} to be replicated, see {self.log}", patience, 0.02)

    def stop(self):
        """SIGTERM; the daemon brings everything to the replica first."""
        self.process.send_signal(signal.SIGTERM)
        status = self.process.wait(timeout=60)
        if status != 0:
            raise programs.Failed(f"{self.kind} daemon ended with {status}:\n{self.log.read_text()}")

    def kill(self):
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait(timeout=30)
        if self.socket.exists():
            os.unlink(self.socket)
