"""moto, a second reading of what S3 is. It checks neither signatures nor bodies; s3_server does."""
import http.client
import pathlib
import re

from . import s3_server, servers

PROGRAM = servers.SERVERS / "moto/bin/moto_server"
required = servers.required(PROGRAM)


class MotoServer(servers.LocalServer):
    """The bucket of s3_server.S3Server, in memory."""

    def __init__(self, directory):
        port = servers.free_port()
        super().__init__([PROGRAM, "-H", "127.0.0.1", "-p", port], port, pathlib.Path(directory) / "moto.log")
        self._ask("PUT", f"/{s3_server.BUCKET}")

    def url(self, path):
        return f"s3://{s3_server.BUCKET}/{path}?endpoint={self.endpoint}&region={s3_server.REGION}&forcePathStyle=true"

    def keys(self):
        found, token = [], ""
        while token is not None:
            page = self._ask("GET", f"/{s3_server.BUCKET}?list-type=2{token}").decode()
            found += re.findall(r"<Key>([^<]*)</Key>", page)
            more = re.search(r"<NextContinuationToken>([^<]*)<", page)
            token = f"&continuation-token={more[1]}" if more else None
        return sorted(found)

    def _ask(self, method, path):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        connection.request(method, path)
        answer = connection.getresponse()
        body = answer.read()
        connection.close()
        if answer.status >= 300:
            raise RuntimeError(f"{method} {path}: {answer.status} {body[:300]}")
        return body
