"""S3: what one daemon writes into a bucket the other restores, and either goes on where the other has stopped."""
import os
import sqlite3
import unittest

from support_py import main, moto_server, programs, s3_server
from support_py.store_interop import PEER_SAFE, StoreInterop

@unittest.skipUnless(programs.peer(), "LITESTREAM_PEER is not set")
@s3_server.required
class S3BothDirections(StoreInterop, unittest.TestCase):
    def setUp(self):
        super().setUp()
        self.server = self.serve()
        self.addCleanup(self.server.stop)
        before = {name: os.environ.get(name) for name in s3_server.ENVIRONMENT}
        os.environ.update(s3_server.ENVIRONMENT)
        self.addCleanup(lambda: [os.environ.pop(n, None) if v is None else os.environ.__setitem__(n, v)
                                 for n, v in before.items()])

    def serve(self):
        return s3_server.S3Server(self.path)

    def replica(self):
        return {"type": "s3", "bucket": s3_server.BUCKET, "path": "db", "endpoint": self.server.endpoint,
                "region": s3_server.REGION}

    def source(self, kind):
        return [self.server.url("db")]

    def keys(self):
        return self.server.keys()

    def files(self, level_base=16):
        return super().files(level_base)

    def test_ours_to_peer(self):
        programs.workload("create", self.database, "--seed", 31, "--page-size", 4096)
        self.work("ours", 31)
        self.check(31, None)

    def test_peer_to_ours(self):
        programs.workload("create", self.database, "--seed", 32, "--page-size", 4096)
        self.work("peer", 32, *PEER_SAFE)
        self.check(32, "_litestream_")

    def test_turns_with_files_that_go_up_in_parts(self):
        programs.workload("create", self.database, "--seed", 33, "--page-size", 4096)
        with sqlite3.connect(self.database) as connection:
            connection.execute("CREATE TABLE large (x)")
            connection.execute("INSERT INTO large VALUES (randomblob(?))", (12 << 20,))
        connection.close()
        for seed, kind in enumerate(("peer", "ours", "peer"), 33):
            self.work(kind, seed, *PEER_SAFE)
        self.check(33, "_litestream_")


@moto_server.required
class S3Elsewhere(S3BothDirections):
    """The same on another server."""

    def serve(self):
        return moto_server.MotoServer(self.path)


if __name__ == "__main__":
    main.main()
