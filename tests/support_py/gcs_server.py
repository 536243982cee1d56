"""fake-gcs-server, the JSON API of Google Cloud Storage. It asks nobody who they are."""
import json
import pathlib
import urllib.request

from . import server_process

PROGRAM = server_process.SERVERS / "fake-gcs-server"
BUCKET = "bucket"
required = server_process.required(PROGRAM)


class GcsServer(server_process.ServerProcess):
    """One bucket, kept in a directory below `directory`."""

    def __init__(self, directory):
        root = pathlib.Path(directory) / "gcs"
        (root / BUCKET).mkdir(parents=True)
        port = server_process.free_port()
        super().__init__([PROGRAM, "-scheme", "http", "-host", "127.0.0.1", "-port", port, "-public-host",
                          f"127.0.0.1:{port}", "-backend", "filesystem", "-filesystem-root", root], port)

    def url(self, path):
        return f"gs://{BUCKET}/{path}?endpoint={self.endpoint}&anonymous=true"

    def keys(self):
        with urllib.request.urlopen(f"{self.endpoint}/storage/v1/b/{BUCKET}/o") as answer:
            return [item["name"] for item in json.load(answer).get("items", [])]
