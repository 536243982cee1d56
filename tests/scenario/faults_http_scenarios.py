#!/usr/bin/env python3
"""Replicas in S3 and WebDAV behind a network that is slow, silent, cut or narrow."""
import pathlib
import sys
import unittest

from fault_network import EachToxic, StoreNetwork
from fault_stores import S3Store, WebdavStore

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from support_py import s3_server, toxiproxy, webdav_server  # noqa: E402


@toxiproxy.required
@s3_server.required
class S3Network(EachToxic, S3Store, StoreNetwork):
    pass


@toxiproxy.required
@webdav_server.required
class WebdavNetwork(EachToxic, WebdavStore, StoreNetwork):
    pass


if __name__ == "__main__":
    unittest.main(verbosity=2)
