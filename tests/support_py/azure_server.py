"""Azurite, an emulator of Azure's blob store that checks Shared Key signatures. scripts/test-servers installs it into
build/servers, or LITESTREAM_SERVERS says where it is."""
import base64
import email.utils
import hashlib
import hmac
import http.client
import os
import pathlib
import re
import socket
import subprocess
import unittest

from . import waiting

SERVERS = pathlib.Path(os.environ.get("LITESTREAM_SERVERS", pathlib.Path(__file__).resolve().parents[2] / "build/servers"))
PROGRAM = SERVERS / "azurite"
CONTAINER = "replica"
ACCOUNT = "devstoreaccount1"
# Of every emulator: published, and no secret.
KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
ENVIRONMENT = {"LITESTREAM_AZURE_ACCOUNT_KEY": KEY}


def required(test_class):
    """Skips the tests of a class where the server is not installed; fails where LITESTREAM_REQUIRE_SERVERS is 1."""
    if PROGRAM.exists():
        return test_class
    if os.environ.get("LITESTREAM_REQUIRE_SERVERS") == "1":
        raise RuntimeError(f"{PROGRAM} is missing; run scripts/test-servers")
    return unittest.skip("azurite is not installed; run scripts/test-servers")(test_class)


class AzureServer:
    """One container in a directory below `directory`."""

    def __init__(self, directory):
        self.root = pathlib.Path(directory) / "azure"
        self.root.mkdir()
        with socket.socket() as one:
            one.bind(("127.0.0.1", 0))
            self.port = one.getsockname()[1]
        self.process = None
        self.start()
        self.request("PUT", {"restype": "container"})

    @property
    def endpoint(self):
        return f"http://127.0.0.1:{self.port}/{ACCOUNT}"

    def url(self, path):
        return f"abs://{ACCOUNT}@{CONTAINER}/{path}?endpoint={self.endpoint}"

    def start(self):
        command = [str(PROGRAM), "--blobHost", "127.0.0.1", "--blobPort", str(self.port), "--location", str(self.root),
                   "--silent", "--disableTelemetry", "--skipApiVersionCheck"]
        self.process = subprocess.Popen(command, env={"PATH": "/usr/bin:/bin", "HOME": str(self.root)},
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        waiting.until(self._answers, "azurite to answer")

    def stop(self):
        """It writes what it keeps, and ends."""
        if self.process and self.process.poll() is None:
            self.process.terminate()
            self.process.wait()

    def _answers(self):
        try:
            socket.create_connection(("127.0.0.1", self.port), 1).close()
            return True
        except OSError:
            return False

    def keys(self):
        return re.findall(r"<Name>([^<]*)</Name>", self.request("GET", {"comp": "list", "restype": "container"}).decode())

    def request(self, method, query):
        """A signed request about the container."""
        headers = {"x-ms-date": email.utils.formatdate(usegmt=True), "x-ms-version": "2021-12-02"}
        path = f"/{ACCOUNT}/{CONTAINER}"
        text = method + "\n" * 12 + "".join(f"{k}:{v}\n" for k, v in headers.items()) + f"/{ACCOUNT}{path}"
        text += "".join(f"\n{k}:{v}" for k, v in sorted(query.items()))
        signature = hmac.new(base64.b64decode(KEY), text.encode(), hashlib.sha256).digest()
        headers["authorization"] = f"SharedKey {ACCOUNT}:{base64.b64encode(signature).decode()}"
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        connection.request(method, path + "?" + "&".join(f"{k}={v}" for k, v in query.items()), headers=headers)
        answer = connection.getresponse()
        body = answer.read()
        connection.close()
        if answer.status >= 300:
            raise RuntimeError(f"{method} {path}: {answer.status} {body[:300]}")
        return body
