#!/usr/bin/env python3
"""Replicas in Azure, Google Cloud Storage and OSS behind a network that is slow, silent, cut or narrow."""
import pathlib
import sys
import unittest

from fault_network import EachToxic, StoreNetwork
from fault_stores import AzureStore, GcsStore, OssStore

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from support_py import azure_server, gcs_server, toxiproxy  # noqa: E402


@toxiproxy.required
@azure_server.required
class AzureNetwork(EachToxic, AzureStore, StoreNetwork):
    pass


@toxiproxy.required
@gcs_server.required
class GcsNetwork(EachToxic, GcsStore, StoreNetwork):
    pass


@toxiproxy.required
class OssNetwork(EachToxic, OssStore, StoreNetwork):
    pass


if __name__ == "__main__":
    unittest.main(verbosity=2)
