"""SFTP and NATS: our daemon and the peer's with the same configuration file."""
import unittest

from support_py import main, nats_server, programs, servers, sftp_server
from support_py.store_interop import PEER_SAFE, StoreInterop

HAS_PEER = unittest.skipUnless(programs.peer(), "LITESTREAM_PEER is not set")


class Directions(StoreInterop):
    def test_ours_to_peer(self):
        programs.workload("create", self.database, "--seed", 41, "--page-size", 4096)
        self.work("ours", 41)
        self.check(41, None)

    def test_peer_to_ours(self):
        programs.workload("create", self.database, "--seed", 42, "--page-size", 4096)
        self.work("peer", 42, *PEER_SAFE)
        self.check(42, "_litestream_")

    def test_turns(self):
        programs.workload("create", self.database, "--seed", 43, "--page-size", 4096)
        for seed, kind in enumerate(("ours", "peer", "ours"), 43):
            self.work(kind, seed, *PEER_SAFE)
        self.check(43, "_litestream_")


@HAS_PEER
@sftp_server.required
class SftpBothDirections(Directions, unittest.TestCase):
    def setUp(self):
        super().setUp()
        self.server = sftp_server.SftpServer(self.path)
        self.addCleanup(self.server.stop)

    def replica(self):
        return {"type": "sftp", "host": self.server.host, "user": self.server.user, "key-path": str(self.server.key),
                "host-key": self.server.host_key(), "path": self.server.path("db")}

    def keys(self):
        return self.server.files()


@HAS_PEER
@nats_server.required
@servers.required(nats_server.PYTHON)
class NatsBothDirections(Directions, unittest.TestCase):
    PROGRAM = nats_server.PROGRAM

    def setUp(self):
        super().setUp()
        self.server = nats_server.NatsServer(self.path, self.PROGRAM)
        self.addCleanup(self.server.stop)
        self.server.create("backups")

    def replica(self):
        return {"url": f"{self.server.url}/backups", "username": nats_server.USER, "password": nats_server.PASSWORD}

    def keys(self):
        return self.server.files("backups")


@nats_server.current_required
class NatsBothDirectionsOnACurrentServer(NatsBothDirections):
    PROGRAM = nats_server.CURRENT


if __name__ == "__main__":
    main.main()
