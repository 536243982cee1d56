"""Toxiproxy between a program and a server: https://github.com/Shopify/toxiproxy."""
import http.client
import json
import pathlib

from . import servers

PROGRAM = servers.SERVERS / "toxiproxy"
required = servers.required(PROGRAM)


class Toxiproxy(servers.LocalServer):
    """One proxy to `upstream`, a port of the loopback. Clients connect to `front`, which is one too."""

    def __init__(self, directory, upstream, seed=1):
        self.front = servers.free_port()
        port = servers.free_port()
        super().__init__([PROGRAM, "-host", "127.0.0.1", "-port", port, "-seed", seed], port,
                         pathlib.Path(directory) / "toxiproxy.log")
        self._ask("POST", "/proxies", {"name": "store", "listen": f"127.0.0.1:{self.front}", "enabled": True,
                                       "upstream": f"127.0.0.1:{upstream}"})
        self.toxics = []

    def poison(self, kind, stream="upstream", **attributes):
        """A fault for all connections, old and new, until heal()."""
        name = f"{kind}-{stream}"
        self._ask("POST", "/proxies/store/toxics",
                  {"name": name, "type": kind, "stream": stream, "attributes": attributes})
        self.toxics.append(name)

    def heal(self):
        """Connections that were held back go on, or are closed where bytes of theirs are lost."""
        while self.toxics:
            self._ask("DELETE", f"/proxies/store/toxics/{self.toxics.pop()}")

    def _ask(self, method, path, body=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        connection.request(method, path, json.dumps(body) if body else None, {"Content-Type": "application/json"})
        answer = connection.getresponse()
        text = answer.read()
        connection.close()
        if answer.status >= 300:
            raise RuntimeError(f"{method} {path}: {answer.status} {text[:300]}")
