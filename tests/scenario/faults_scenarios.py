#!/usr/bin/env python3
"""Replicas in SFTP and NATS behind a network that is slow, silent, cut or narrow."""
import pathlib
import sys
import unittest

from fault_network import EachToxic, StoreNetwork
from fault_stores import NatsStore, SftpStore

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from support_py import nats_server, sftp_server, toxiproxy  # noqa: E402


@toxiproxy.required
@sftp_server.required
class SftpNetwork(EachToxic, SftpStore, StoreNetwork):
    pass


@toxiproxy.required
@nats_server.required
class NatsNetwork(EachToxic, NatsStore, StoreNetwork):
    pass


if __name__ == "__main__":
    unittest.main(verbosity=2)
