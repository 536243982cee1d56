"""versitygw, an S3 server that checks signatures, bodies and dates."""
import datetime
import hashlib
import hmac
import http.client
import json
import pathlib
import subprocess

from . import servers, stored

PROGRAM = servers.SERVERS / "versitygw"
required = servers.required(PROGRAM)
KEY, SECRET, REGION, BUCKET = "test", "testsecret", "us-east-1", "bucket"
ENVIRONMENT = {"AWS_ACCESS_KEY_ID": KEY, "AWS_SECRET_ACCESS_KEY": SECRET}


class S3Server(servers.LocalServer):
    """One bucket in a directory below `directory`; `options` are the server's own."""

    def __init__(self, directory, *options):
        self.root = pathlib.Path(directory) / "s3"
        self.root.mkdir()
        port = servers.free_port()
        accounts = pathlib.Path(directory) / "s3-accounts"
        accounts.mkdir()
        command = [PROGRAM, "--port", f"127.0.0.1:{port}", "--region", REGION, "--keep-alive", "--quiet",
                   "--iam-dir", accounts, "--iam-cache-disable", *options, "posix", self.root]
        env = {"ROOT_ACCESS_KEY": KEY, "ROOT_SECRET_KEY": SECRET, "PATH": "/usr/bin:/bin"}
        super().__init__(command, port, pathlib.Path(directory) / "s3.log", env)
        self.request("PUT", f"/{BUCKET}")

    def url(self, path):
        return f"s3://{BUCKET}/{path}?endpoint={self.endpoint}&region={REGION}"

    def keys(self):
        """What is in the bucket, from the directory that holds it."""
        return [path for path in stored.files_below(self.root / BUCKET) if ".sgwtmp" not in path.split("/")]

    def account(self, name, secret, actions):
        """A user who may do what `actions` of S3 names with the bucket, and nothing else."""
        self._admin("create-user", "--access", name, "--secret", secret, "--role", "user")
        resources = [f"arn:aws:s3:::{BUCKET}", f"arn:aws:s3:::{BUCKET}/*"]
        rule = {"Effect": "Allow", "Principal": {"AWS": [name]}, "Action": [f"s3:{one}" for one in actions],
                "Resource": resources}
        self.request("PUT", f"/{BUCKET}", "policy=", json.dumps({"Version": "2012-10-17", "Statement": [rule]}).encode())

    def change_secret(self, name, secret):
        self._admin("update-user", "--access", name, "--secret", secret)

    def _admin(self, *arguments):
        command = [str(PROGRAM), "admin", "--access", KEY, "--secret", SECRET, "--endpoint-url", self.endpoint, *arguments]
        done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
        if done.returncode != 0:
            raise RuntimeError(f"{' '.join(arguments)}: {done.stdout}{done.stderr}")

    def signed(self, method, path, query="", body=b""):
        """Headers that the root account sends with it; the query as it is signed."""
        now = datetime.datetime.now(datetime.timezone.utc).strftime("%Y%m%dT%H%M%SZ")
        digest = hashlib.sha256(body).hexdigest()
        headers = {"host": f"127.0.0.1:{self.port}", "x-amz-content-sha256": digest, "x-amz-date": now}
        lines = "".join(f"{k}:{v}\n" for k, v in headers.items())
        names, scope = ";".join(headers), f"{now[:8]}/{REGION}/s3/aws4_request"
        canonical = f"{method}\n{path}\n{query}\n{lines}\n{names}\n{digest}"
        text = f"AWS4-HMAC-SHA256\n{now}\n{scope}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
        key = ("AWS4" + SECRET).encode()
        for part in (now[:8], REGION, "s3", "aws4_request", text):
            key = hmac.new(key, part.encode(), hashlib.sha256).digest()
        headers["authorization"] = f"AWS4-HMAC-SHA256 Credential={KEY}/{scope},SignedHeaders={names},Signature={key.hex()}"
        return headers

    def connection(self):
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)

    def request(self, method, path, query="", body=b""):
        connection = self.connection()
        connection.request(method, path + ("?" + query if query else ""), body or None,
                           self.signed(method, path, query, body))
        answer = connection.getresponse()
        answered = answer.read()
        connection.close()
        if answer.status >= 300:
            raise RuntimeError(f"{method} {path}: {answer.status} {answered[:300]}")
        return answered
