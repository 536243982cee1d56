"""versitygw, an S3 server that checks signatures, bodies and dates. scripts/test-servers installs it into build/servers,
or LITESTREAM_SERVERS says where it is."""
import datetime
import hashlib
import hmac
import http.client
import os
import pathlib
import socket
import subprocess
import unittest

from . import waiting

SERVERS = pathlib.Path(os.environ.get("LITESTREAM_SERVERS", pathlib.Path(__file__).resolve().parents[2] / "build/servers"))
PROGRAM = SERVERS / "versitygw"
KEY, SECRET, REGION, BUCKET = "test", "testsecret", "us-east-1", "bucket"
ENVIRONMENT = {"AWS_ACCESS_KEY_ID": KEY, "AWS_SECRET_ACCESS_KEY": SECRET}


def required(test_class):
    """Skips the tests of a class where the server is not installed; fails where LITESTREAM_REQUIRE_SERVERS is 1."""
    if PROGRAM.exists():
        return test_class
    if os.environ.get("LITESTREAM_REQUIRE_SERVERS") == "1":
        raise RuntimeError(f"{PROGRAM} is missing; run scripts/test-servers")
    return unittest.skip("versitygw is not installed; run scripts/test-servers")(test_class)


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


class S3Server:
    """One bucket in a directory below `directory`."""

    def __init__(self, directory):
        self.root = pathlib.Path(directory) / "s3"
        self.root.mkdir()
        self.port = free_port()
        self.process = None
        self.start()
        self.request("PUT", f"/{BUCKET}")

    @property
    def endpoint(self):
        return f"http://127.0.0.1:{self.port}"

    def url(self, path):
        return f"s3://{BUCKET}/{path}?endpoint={self.endpoint}&region={REGION}"

    def start(self):
        command = [str(PROGRAM), "--port", f"127.0.0.1:{self.port}", "--region", REGION, "--keep-alive", "--quiet", "posix",
                   str(self.root)]
        env = {"ROOT_ACCESS_KEY": KEY, "ROOT_SECRET_KEY": SECRET, "PATH": "/usr/bin:/bin"}
        self.process = subprocess.Popen(command, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        waiting.until(self._answers, "versitygw to answer")

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def _answers(self):
        try:
            socket.create_connection(("127.0.0.1", self.port), 1).close()
            return True
        except OSError:
            return False

    def keys(self):
        """What is in the bucket, from the directory that holds it."""
        bucket = self.root / BUCKET
        return sorted(str(p.relative_to(bucket)) for p in bucket.rglob("*") if p.is_file() and ".sgwtmp" not in p.parts)

    def request(self, method, path):
        """A signed request without body or query."""
        now = datetime.datetime.now(datetime.timezone.utc).strftime("%Y%m%dT%H%M%SZ")
        nothing = hashlib.sha256(b"").hexdigest()
        headers = {"host": f"127.0.0.1:{self.port}", "x-amz-content-sha256": nothing, "x-amz-date": now}
        lines = "".join(f"{k}:{v}\n" for k, v in headers.items())
        names, scope = ";".join(headers), f"{now[:8]}/{REGION}/s3/aws4_request"
        canonical = f"{method}\n{path}\n\n{lines}\n{names}\n{nothing}"
        text = f"AWS4-HMAC-SHA256\n{now}\n{scope}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
        key = ("AWS4" + SECRET).encode()
        for part in (now[:8], REGION, "s3", "aws4_request", text):
            key = hmac.new(key, part.encode(), hashlib.sha256).digest()
        headers["authorization"] = f"AWS4-HMAC-SHA256 Credential={KEY}/{scope},SignedHeaders={names},Signature={key.hex()}"
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        connection.request(method, path, headers=headers)
        answer = connection.getresponse()
        body = answer.read()
        connection.close()
        if answer.status >= 300:
            raise RuntimeError(f"{method} {path}: {answer.status} {body[:300]}")
        return body
