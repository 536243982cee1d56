#!/usr/bin/env python3
"""A small OSS server that checks signatures (OSS4-HMAC-SHA256 and version 1), dates and Content-MD5; objects are kept in
memory. Its signatures are compared with those of the vendor's libraries by tests/backends/oss_sdk_test.py.

    oss_server.py PORT ACCESS_KEY_ID SECRET BUCKET [SECURITY_TOKEN]
"""
import base64
import datetime
import email.utils
import hashlib
import hmac
import http.server
import re
import sys
import threading
import time
import urllib.parse
import uuid
import xml.etree.ElementTree
from xml.sax.saxutils import escape

REGION = "cn-hangzhou"
SKEW = datetime.timedelta(minutes=15)
# The sub-resources that version 1 signs, as far as clients of objects send them.
SUBRESOURCES = {"acl", "continuation-token", "delete", "objectMeta", "partNumber", "security-token", "uploadId", "uploads"}


class Refused(Exception):
    def __init__(self, status, code, message=""):
        super().__init__(code)
        self.status, self.code, self.message = status, code, message or code


def quote(text, safe="-_.~"):
    return urllib.parse.quote(text, safe=safe, errors="surrogateescape")


def unquote(text):
    """Keys may be any bytes."""
    return urllib.parse.unquote(text, errors="surrogateescape")


def raw(key):
    return key.encode(errors="surrogateescape")


def pairs_of(query):
    """The parameters, decoded; a plus is a blank, as oss2 sends it."""
    query = query.replace("+", " ")
    pairs = (one.partition("=") for one in query.split("&") if one)
    return [(unquote(name), unquote(value)) for name, _, value in pairs]


def lines_of(headers, names=()):
    own = {name.lower(): value.strip() for name, value in headers.items()}
    return "".join(f"{n}:{own[n]}\n" for n in sorted(own) if n.startswith("x-oss-") or n in names)


def signature_v4(secret, method, resource, query, headers, scope, additional=()):
    """`resource` is "/bucket/key", not encoded; `scope` is "DATE/REGION/oss/aliyun_v4_request"."""
    encoded = sorted((quote(n), quote(v)) for n, v in pairs_of(query))
    canonical_query = "&".join(f"{n}={v}" if v else n for n, v in encoded)
    signed = lines_of(headers, {"content-type", "content-md5", *additional})
    canonical = "\n".join([method, quote(resource, "/-_.~"), canonical_query, signed, ";".join(additional),
                           headers["x-oss-content-sha256"]])
    text = "\n".join(["OSS4-HMAC-SHA256", headers["x-oss-date"], scope, hashlib.sha256(canonical.encode()).hexdigest()])
    key = ("aliyun_v4" + secret).encode()
    for part in (*scope.split("/"), text):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    return key.hex()


def signature_v1(secret, method, resource, query, headers):
    signed = "&".join(f"{n}={v}" if v else n for n, v in sorted(pairs_of(query)) if n in SUBRESOURCES)
    text = "\n".join([method, headers.get("content-md5", ""), headers.get("content-type", ""),
                      headers.get("x-oss-date", "") or headers.get("date", ""),
                      lines_of(headers) + resource + ("?" + signed if signed else "")])
    return base64.b64encode(hmac.new(secret.encode(), raw(text), hashlib.sha1).digest()).decode()


class Object:
    def __init__(self, body, metadata):
        self.body, self.metadata = body, metadata
        self.modified = time.time()
        self.etag = '"' + hashlib.md5(body).hexdigest().upper() + '"'


class Store:
    def __init__(self, key_id, secret, bucket, token=""):
        self.key_id, self.secret, self.bucket, self.token = key_id, secret, bucket, token
        self.lock = threading.Lock()
        self.objects, self.uploads = {}, {}


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    store = None  # of the class that main() makes

    def log_message(self, *_):
        pass

    def handle_any(self):
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        path, _, query = self.path.partition("?")
        resource = unquote(path)
        if resource.count("/") == 1:  # the bucket itself, which signatures have with a slash
            resource += "/"
        try:
            self.authorise(resource, query)
            self.check_body(body)
            _, bucket, key = resource.split("/", 2)
            if bucket != self.store.bucket:
                raise Refused(404, "NoSuchBucket", "The specified bucket does not exist.")
            parameters = dict(pairs_of(query))
            with self.store.lock:
                self.serve(key, parameters, body)
        except Refused as refused:
            text = f"<?xml version=\"1.0\"?><Error><Code>{refused.code}</Code><Message>{escape(refused.message)}</Message></Error>"
            self.answer(refused.status, text.encode(), {"Content-Type": "application/xml"})

    do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = handle_any

    def answer(self, status, body=b"", headers=None, size=None):
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body) if size is None else size))
        self.send_header("x-oss-request-id", uuid.uuid4().hex)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def authorise(self, resource, query):
        text = self.headers.get("authorization", "")
        if text.startswith("OSS4-HMAC-SHA256 "):
            fields = dict(one.strip().split("=", 1) for one in text.split(" ", 1)[1].split(","))
            key_id, _, scope = fields["Credential"].partition("/")
            at = datetime.datetime.strptime(self.headers["x-oss-date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=datetime.timezone.utc)
            additional = [one for one in fields.get("AdditionalHeaders", "").split(";") if one]
            if scope != f"{self.headers['x-oss-date'][:8]}/{REGION}/oss/aliyun_v4_request":
                raise Refused(403, "SignatureDoesNotMatch", "Invalid signing region in Authorization header.")
            given, right = fields["Signature"], signature_v4(self.store.secret, self.command, resource, query, self.headers,
                                                             scope, additional)
        elif text.startswith("OSS "):
            key_id, _, given = text[4:].partition(":")
            at = email.utils.parsedate_to_datetime(self.headers.get("x-oss-date") or self.headers["date"])
            right = signature_v1(self.store.secret, self.command, resource, query, self.headers)
        else:
            raise Refused(403, "AccessDenied", "You have no right to access this object because of bucket acl.")
        if key_id != self.store.key_id:
            raise Refused(403, "InvalidAccessKeyId", "The OSS Access Key Id you provided does not exist in our records.")
        if self.headers.get("x-oss-security-token", "") != self.store.token:
            raise Refused(403, "InvalidSecurityToken", "The security token you provided is invalid.")
        if abs(datetime.datetime.now(datetime.timezone.utc) - at) > SKEW:
            raise Refused(403, "RequestTimeTooSkewed", "The difference between the request time and the current time is too large.")
        if not hmac.compare_digest(given, right):
            raise Refused(403, "SignatureDoesNotMatch", "The request signature we calculated does not match.")

    def check_body(self, body):
        given = self.headers.get("content-md5")
        if given and base64.b64decode(given) != hashlib.md5(body).digest():
            raise Refused(400, "InvalidDigest", "The Content-MD5 you specified was invalid.")

    def serve(self, key, parameters, body):
        if not key:
            if self.command == "POST" and "delete" in parameters:
                return self.delete_many(parameters, body)
            if self.command == "GET" and parameters.get("list-type") == "2":
                return self.list(parameters)
            return self.answer(200) if self.command == "PUT" else self.missing_method()
        if "uploads" in parameters or "uploadId" in parameters:
            return self.multipart(key, parameters, body)
        if self.command == "PUT":
            self.create(key, body, self.metadata())
            return self.answer(200, headers={"ETag": self.store.objects[key].etag})
        if self.command == "DELETE":
            self.store.objects.pop(key, None)
            return self.answer(204)
        return self.read(key) if self.command in ("GET", "HEAD") else self.missing_method()

    def missing_method(self):
        raise Refused(405, "MethodNotAllowed")

    def metadata(self):
        return {n: v for n, v in self.headers.items() if n.lower().startswith("x-oss-meta-") or n.lower() == "content-type"}

    def create(self, key, body, metadata):
        if self.headers.get("x-oss-forbid-overwrite") == "true" and key in self.store.objects:
            raise Refused(409, "FileAlreadyExists", "The object you specified already exists and can not be overwritten.")
        self.store.objects[key] = Object(body, metadata)

    def read(self, key):
        found = self.store.objects.get(key)
        if found is None:
            raise Refused(404, "NoSuchKey", "The specified key does not exist.")
        headers = {**found.metadata, "ETag": found.etag, "Last-Modified": email.utils.formatdate(found.modified, usegmt=True)}
        match = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("range") or "")
        size = len(found.body)
        if not match:
            return self.answer(200, found.body, headers)
        first, last = int(match[1]), int(match[2] or size - 1)
        standard = self.headers.get("x-oss-range-behavior") == "standard"
        if first >= size and standard:
            raise Refused(416, "InvalidRange", "The requested range cannot be satisfied.")
        if first >= size or (last >= size and not standard):
            return self.answer(200, found.body, headers)
        part = found.body[first:min(last, size - 1) + 1]
        headers["Content-Range"] = f"bytes {first}-{first + len(part) - 1}/{size}"
        return self.answer(206, part, headers)

    def list(self, parameters):
        encode = quote if parameters.get("encoding-type") == "url" else escape
        most, prefix = int(parameters.get("max-keys", 100)), parameters.get("prefix", "")
        start = max(parameters.get("start-after", ""), parameters.get("continuation-token", "")[2:], key=raw)
        keys = sorted((k for k in self.store.objects if k.startswith(prefix) and raw(k) > raw(start)), key=raw)
        out = ["<?xml version=\"1.0\"?><ListBucketResult>"]
        if parameters.get("encoding-type") == "url":
            out.append("<EncodingType>url</EncodingType>")
        out.append(f"<IsTruncated>{'true' if len(keys) > most else 'false'}</IsTruncated>")
        if len(keys) > most:
            out.append(f"<NextContinuationToken>{encode('=/' + keys[most - 1])}</NextContinuationToken>")
        for key in keys[:most]:
            found = self.store.objects[key]
            at = datetime.datetime.fromtimestamp(found.modified, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.000Z")
            out.append(f"<Contents><Key>{encode(key)}</Key><LastModified>{at}</LastModified><ETag>{found.etag}</ETag>"
                       f"<Type>Normal</Type><Size>{len(found.body)}</Size><StorageClass>Standard</StorageClass></Contents>")
        self.answer(200, "".join(out + ["</ListBucketResult>"]).encode(), {"Content-Type": "application/xml"})

    def delete_many(self, parameters, body):
        keys = [node.text for node in xml.etree.ElementTree.fromstring(body).iter("Key")]
        encode = quote if parameters.get("encoding-type") == "url" else escape
        for key in keys:
            self.store.objects.pop(key, None)
        gone = "".join(f"<Deleted><Key>{encode(k)}</Key></Deleted>" for k in keys)
        self.answer(200, f"<?xml version=\"1.0\"?><DeleteResult>{gone}</DeleteResult>".encode())

    def multipart(self, key, parameters, body):
        uploads, upload = self.store.uploads, parameters.get("uploadId")
        if self.command == "POST" and upload is None:
            upload = uuid.uuid4().hex.upper()
            uploads[upload] = (key, self.metadata(), {})
            return self.answer(200, f"<?xml version=\"1.0\"?><InitiateMultipartUploadResult><Key>{escape(key)}</Key><UploadId>"
                                    f"{upload}</UploadId></InitiateMultipartUploadResult>".encode())
        if upload not in uploads or uploads[upload][0] != key:
            raise Refused(404, "NoSuchUpload", "The specified upload does not exist.")
        _, metadata, parts = uploads[upload]
        if self.command == "PUT":
            parts[int(parameters["partNumber"])] = Object(body, {})
            return self.answer(200, headers={"ETag": parts[int(parameters["partNumber"])].etag})
        if self.command == "DELETE":
            del uploads[upload]
            return self.answer(204)
        named = re.findall(r"<PartNumber>(\d+)</PartNumber>\s*<ETag>(.*?)</ETag>", body.decode())
        for number, etag in named:
            if int(number) not in parts or parts[int(number)].etag != etag.replace("&quot;", '"').replace("&#34;", '"'):
                raise Refused(400, "InvalidPart")
        self.create(key, b"".join(parts[int(number)].body for number, _ in named), metadata)
        del uploads[upload]
        return self.answer(200, f"<?xml version=\"1.0\"?><CompleteMultipartUploadResult><Bucket>{self.store.bucket}</Bucket><Key>"
                                f"{escape(key)}</Key><ETag>{self.store.objects[key].etag}</ETag>"
                                "</CompleteMultipartUploadResult>".encode())


def serve(port, *store):
    """A server for Store(*store), not yet running; port 0 = any."""
    class Mine(Handler):
        pass
    Mine.store = Store(*store)
    http.server.ThreadingHTTPServer.request_queue_size = 128
    return http.server.ThreadingHTTPServer(("127.0.0.1", port), Mine)


if __name__ == "__main__":
    serve(int(sys.argv[1]), *sys.argv[2:]).serve_forever()
