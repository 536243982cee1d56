"""nats-server with JetStream, a user and buckets of the test's own."""
import json
import pathlib
import subprocess

from . import servers

PROGRAM = "/usr/sbin/nats-server"  # Debian's
PYTHON = servers.SERVERS / "nats/bin/python3"
CURRENT = servers.SERVERS / "nats/bin/nats-server"
required = servers.required(PROGRAM)
current_required = servers.required(CURRENT)
USER, PASSWORD = "tester", "nats-hush"

PREAMBLE = """
import asyncio, json, sys
import nats
async def main():
    url, bucket = sys.argv[1:3]
    connection = await nats.connect(url)
    try:
        await work(connection.jetstream(), bucket)
    finally:
        await connection.close()
"""
CREATE = """
async def work(jetstream, bucket):
    await jetstream.create_object_store(bucket)
"""
LIST = """
async def work(jetstream, bucket):
    store = await jetstream.object_store(bucket)
    print(json.dumps(sorted(one.name for one in await store.list() if not one.deleted)))
"""


class NatsServer(servers.LocalServer):
    def __init__(self, directory, program=PROGRAM):
        here = pathlib.Path(directory) / "nats"
        here.mkdir()
        port = servers.free_port()
        (here / "config").write_text(f"authorization {{ user: {USER}, password: {PASSWORD} }}\n")
        super().__init__([program, "-a", "127.0.0.1", "-p", port, "-js", "-sd", here / "store", "-c", here / "config"],
                         port, here / "log")

    @property
    def url(self):
        return f"nats://127.0.0.1:{self.port}"

    def _run(self, work, bucket):
        """A task of the Python client, which needs `PYTHON`."""
        login = f"nats://{USER}:{PASSWORD}@127.0.0.1:{self.port}"
        program = PREAMBLE + work + "asyncio.run(main())\n"
        return subprocess.run([str(PYTHON), "-c", program, login, bucket], check=True, capture_output=True, text=True,
                              timeout=60).stdout

    def create(self, bucket):
        self._run(CREATE, bucket)

    def files(self, bucket):
        return json.loads(self._run(LIST, bucket))
