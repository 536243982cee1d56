#!/usr/bin/env python3
"""The test server of OSS against the vendor's own libraries: what they sign it takes, what is changed it refuses. They
are in a virtual environment below the directory of the servers, which is the argument or LITESTREAM_SERVERS."""
import os
import pathlib
import sys
import threading
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from support_py import oss_server  # noqa: E402

SERVERS = pathlib.Path(os.environ.get("LITESTREAM_SERVERS") or (sys.argv[1:] or ["build/servers"])[0])
PYTHON = SERVERS / "oss-sdk/bin/python"
try:
    import alibabacloud_oss_v2 as oss
    import oss2
except ImportError:
    if PYTHON.exists() and os.environ.get("VIRTUAL_ENV") != str(PYTHON.parent):
        os.environ["VIRTUAL_ENV"] = str(PYTHON.parent)
        os.execv(PYTHON, [str(PYTHON), __file__])
    print("skipped: oss2 and alibabacloud-oss-v2 are not installed; run scripts/test-servers")
    sys.exit(1 if os.environ.get("LITESTREAM_REQUIRE_SERVERS") == "1" else 77)

KEYS = ["a", "my database.db/ltx/0/x", "déjà vu/€", "%2F+&=?#~@,;:!$'()[]{}*\"<>|^`"]


class Sdk(unittest.TestCase):
    def setUp(self):
        self.server = oss_server.serve(0, "ak", "sk", "bucket")
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.addCleanup(self.server.server_close)
        self.addCleanup(self.server.shutdown)
        self.endpoint = f"http://127.0.0.1:{self.server.server_address[1]}"

    def old(self, auth):
        return oss2.Bucket(auth, self.endpoint, "bucket", region=oss_server.REGION)

    def new(self, secret="sk", version="v4"):
        config = oss.config.load_default()
        config.credentials_provider = oss.credentials.StaticCredentialsProvider("ak", secret)
        config.region, config.endpoint, config.signature_version = oss_server.REGION, self.endpoint, version
        return oss.Client(config)

    def test_the_older_library(self):
        for auth in (oss2.AuthV4("ak", "sk"), oss2.Auth("ak", "sk")):
            bucket = self.old(auth)
            for key in KEYS:
                bucket.put_object(key, b"0123456789", headers={"x-oss-meta-litestream-timestamp": "t", "Content-Type": "a/b"})
                self.assertEqual(bucket.get_object(key, byte_range=(2, 4)).read(), b"234")
                self.assertEqual(bucket.head_object(key).headers["x-oss-meta-litestream-timestamp"], "t")
            self.assertEqual([o.key for o in oss2.ObjectIteratorV2(bucket, max_keys=1)], sorted(KEYS, key=str.encode))
            with self.assertRaises(oss2.exceptions.NoSuchKey):
                bucket.get_object("missing")
            upload = bucket.init_multipart_upload("large").upload_id
            parts = [oss2.models.PartInfo(n, bucket.upload_part("large", upload, n, b"x" * 10).etag) for n in (1, 2)]
            bucket.complete_multipart_upload("large", upload, parts)
            self.assertEqual(bucket.get_object("large").read(), b"x" * 20)
            bucket.batch_delete_objects(KEYS + ["large"])
            self.assertEqual([o.key for o in oss2.ObjectIteratorV2(bucket)], [])

    def test_the_newer_library(self):
        for version in ("v4", "v1"):
            client = self.new(version=version)
            for key in KEYS:
                client.put_object(oss.PutObjectRequest(bucket="bucket", key=key, body=b"0123456789"))
                self.assertEqual(client.get_object(oss.GetObjectRequest(bucket="bucket", key=key)).body.content, b"0123456789")
            with self.assertRaises(oss.exceptions.OperationError) as refused:
                client.put_object(oss.PutObjectRequest(bucket="bucket", key="a", body=b"x", forbid_overwrite=True))
            self.assertEqual(refused.exception.unwrap().code, "FileAlreadyExists")

    def test_a_wrong_secret_is_refused(self):
        for auth in (oss2.AuthV4("ak", "other"), oss2.Auth("ak", "other")):
            with self.assertRaises(oss2.exceptions.SignatureDoesNotMatch):
                self.old(auth).put_object("a", b"x")
        with self.assertRaises(oss.exceptions.OperationError) as refused:
            self.new("other").put_object(oss.PutObjectRequest(bucket="bucket", key="a", body=b"x"))
        self.assertEqual(refused.exception.unwrap().code, "SignatureDoesNotMatch")


if __name__ == "__main__":
    unittest.main(verbosity=2)
