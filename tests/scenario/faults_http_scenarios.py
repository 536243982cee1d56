#!/usr/bin/env python3
"""Replicas in S3 and WebDAV behind a network that is slow, silent, cut or narrow."""
import pathlib
import sys
import unittest

from fault_network import EachToxic, Network

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from support_py import s3_server, toxiproxy, webdav_server  # noqa: E402


@toxiproxy.required
@s3_server.required
class S3Network(EachToxic, Network):
    def setUp(self):
        super().setUp()
        self.behind(s3_server.S3Server(self.dir))

    def replica(self, port):
        return {"type": "s3", "bucket": s3_server.BUCKET, "path": "app", "endpoint": f"http://127.0.0.1:{port}",
                "access-key-id": s3_server.KEY, "secret-access-key": s3_server.SECRET}


@toxiproxy.required
@webdav_server.required
class WebdavNetwork(EachToxic, Network):
    def setUp(self):
        super().setUp()
        self.behind(webdav_server.WebdavServer(self.dir))

    def replica(self, port):
        return {"type": "webdav", "webdav-url": f"http://127.0.0.1:{port}/dav", "webdav-username": webdav_server.USER,
                "webdav-password": webdav_server.PASSWORD, "path": "app"}


if __name__ == "__main__":
    unittest.main(verbosity=2)
