"""The stores that endure faults. A class says how its server is begun, `replica(port)`, the settings of a replica
with the store at that port, and of the answers of HTTP: LEVEL_0, which finds the first TXID in the address of a request about a
file of level 0, `error(status, code)`, an error as the store would put it, and `expired()`, its answer to credentials
that are not valid any more."""
import json
import pathlib
import re
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from support_py import azure_server, gcs_server, nats_server, oss_process, s3_server, sftp_server, webdav_server  # noqa: E402
from support_py.http_between import answer, s3_error  # noqa: E402

MIB = 1 << 20
TXIDS = "([0-9a-f]{16})-[0-9a-f]{16}\\.ltx"


class S3Store:
    LEVEL_0 = re.compile("/app/0000/" + TXIDS)
    error = staticmethod(s3_error)

    def make_server(self):
        return s3_server.S3Server(self.dir)

    def replica(self, port):
        return {"type": "s3", "bucket": s3_server.BUCKET, "path": "app", "endpoint": f"http://127.0.0.1:{port}",
                "access-key-id": s3_server.KEY, "secret-access-key": s3_server.SECRET}

    @staticmethod
    def expired():
        return s3_error(400, "ExpiredToken")


class WebdavStore:
    def make_server(self):
        return webdav_server.WebdavServer(self.dir)

    def replica(self, port):
        return {"type": "webdav", "webdav-url": f"http://127.0.0.1:{port}/dav", "webdav-username": webdav_server.USER,
                "webdav-password": webdav_server.PASSWORD, "path": "app"}


class Short:
    """Of what several stores have in common the others have met enough."""
    MORE, RESTARTS = MIB, 1


class AzureStore(Short):
    LEVEL_0 = re.compile("/app/ltx/0/" + TXIDS)

    def make_server(self):
        return azure_server.AzureServer(self.dir)

    def replica(self, port):
        return {"type": "abs", "account-name": azure_server.ACCOUNT, "account-key": azure_server.KEY,
                "bucket": azure_server.CONTAINER, "path": "app",
                "endpoint": f"http://127.0.0.1:{port}/{azure_server.ACCOUNT}"}

    @staticmethod
    def error(status, code, **headers):
        body = f"\ufeff<?xml version=\"1.0\" encoding=\"utf-8\"?><Error><Code>{code}</Code><Message>scripted</Message></Error>"
        return answer(status, body.encode(), Content_Type="application/xml", x_ms_error_code=code, **headers)

    @staticmethod
    def expired():
        return AzureStore.error(403, "AuthenticationFailed")


class GcsStore(Short):
    LEVEL_0 = re.compile("name=app%2Fltx%2F0%2F" + TXIDS)

    def make_server(self):
        return gcs_server.GcsServer(self.dir)

    def replica(self, port):
        return {"type": "gs", "bucket": gcs_server.BUCKET, "path": "app", "endpoint": f"http://127.0.0.1:{port}",
                "anonymous": True}

    @staticmethod
    def error(status, code, **headers):
        body = {"error": {"code": status, "message": "scripted", "errors": [{"reason": code, "message": "scripted"}]}}
        return answer(status, json.dumps(body).encode(), Content_Type="application/json", **headers)

    @staticmethod
    def expired():
        return GcsStore.error(401, "authError")


class OssStore(Short):
    LEVEL_0 = re.compile("/app/0000/" + TXIDS)
    error = staticmethod(s3_error)

    def make_server(self):
        return oss_process.OssServer(self.dir)

    def replica(self, port):
        return {"type": "oss", "bucket": oss_process.BUCKET, "path": "app", "endpoint": f"http://127.0.0.1:{port}",
                "access-key-id": oss_process.KEY_ID, "secret-access-key": oss_process.SECRET}

    @staticmethod
    def expired():
        return s3_error(403, "SecurityTokenExpired")


class SftpStore:
    def make_server(self):
        return sftp_server.SftpServer(self.dir)

    def replica(self, port):
        return {"type": "sftp", "host": f"127.0.0.1:{port}", "user": self.server.user, "key-path": str(self.server.key),
                "host-key": self.server.host_key("ed25519"), "path": self.server.path("app")}


class NatsStore:
    def make_server(self):
        return nats_server.NatsServer(self.dir)

    def replica(self, port):
        return {"url": f"nats://127.0.0.1:{port}/backups", "username": nats_server.USER,
                "password": nats_server.PASSWORD, "create-bucket": True}
