#!/usr/bin/env python3
"""Replicas in SFTP and NATS behind a network that is slow, silent, cut or narrow."""
import pathlib
import sys
import unittest

from fault_network import EachToxic, Network

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from support_py import nats_server, sftp_server, toxiproxy  # noqa: E402


@toxiproxy.required
@sftp_server.required
class SftpNetwork(EachToxic, Network):
    def setUp(self):
        super().setUp()
        self.behind(sftp_server.SftpServer(self.dir))

    def replica(self, port):
        return {"type": "sftp", "host": f"127.0.0.1:{port}", "user": self.server.user, "key-path": str(self.server.key),
                "host-key": self.server.host_key("ed25519"), "path": self.server.path("app")}


@toxiproxy.required
@nats_server.required
class NatsNetwork(EachToxic, Network):
    def setUp(self):
        super().setUp()
        self.behind(nats_server.NatsServer(self.dir))

    def replica(self, port):
        return {"url": f"nats://127.0.0.1:{port}/backups", "username": nats_server.USER,
                "password": nats_server.PASSWORD, "create-bucket": True}


if __name__ == "__main__":
    unittest.main(verbosity=2)
