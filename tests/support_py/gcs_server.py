"""fake-gcs-server, the JSON API of Google Cloud Storage. It asks nobody who they are."""
import json
import pathlib
import urllib.request

from . import servers

PROGRAM = servers.SERVERS / "fake-gcs-server"
BUCKET = "bucket"
required = servers.required(PROGRAM)


class GcsServer(servers.LocalServer):
    """One bucket, kept in a directory below `directory`."""

    def __init__(self, directory):
        root = pathlib.Path(directory) / "gcs"
        (root / BUCKET).mkdir(parents=True)
        port = servers.free_port()
        super().__init__([PROGRAM, "-scheme", "http", "-host", "127.0.0.1", "-port", port, "-public-host",
                          f"127.0.0.1:{port}", "-backend", "filesystem", "-filesystem-root", root],
                         port, pathlib.Path(directory) / "gcs.log")

    def url(self, path):
        return f"gs://{BUCKET}/{path}?endpoint={self.endpoint}&anonymous=true"

    def keys(self):
        with urllib.request.urlopen(f"{self.endpoint}/storage/v1/b/{BUCKET}/o") as answer:
            return [item["name"] for item in json.load(answer).get("items", [])]
