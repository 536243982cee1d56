"""The OSS server of oss_server.py in a process of its own, which the faults of a test do not slow down."""
import pathlib
import sys

from . import servers

PROGRAM = pathlib.Path(__file__).resolve().with_name("oss_server.py")
BUCKET, KEY_ID, SECRET = "bucket", "ak", "sk"


class OssServer(servers.LocalServer):
    """One bucket in memory."""

    def __init__(self, directory):
        port = servers.free_port()
        super().__init__([sys.executable, PROGRAM, port, KEY_ID, SECRET, BUCKET], port,
                         pathlib.Path(directory) / "oss.log")
