"""versitygw, an S3 server that checks signatures, bodies and dates."""
import datetime
import hashlib
import hmac
import http.client
import pathlib

from . import server_process

PROGRAM = server_process.SERVERS / "versitygw"
KEY, SECRET, REGION, BUCKET = "test", "testsecret", "us-east-1", "bucket"
ENVIRONMENT = {"AWS_ACCESS_KEY_ID": KEY, "AWS_SECRET_ACCESS_KEY": SECRET}
required = server_process.required(PROGRAM)


class S3Server(server_process.ServerProcess):
    """One bucket in a directory below `directory`."""

    def __init__(self, directory):
        self.root = pathlib.Path(directory) / "s3"
        self.root.mkdir()
        port = server_process.free_port()
        command = [PROGRAM, "--port", f"127.0.0.1:{port}", "--region", REGION, "--keep-alive", "--quiet", "posix", self.root]
        super().__init__(command, port, {"ROOT_ACCESS_KEY": KEY, "ROOT_SECRET_KEY": SECRET})
        self.request("PUT", f"/{BUCKET}")

    def url(self, path):
        return f"s3://{BUCKET}/{path}?endpoint={self.endpoint}&region={REGION}"

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
