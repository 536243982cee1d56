"""How long a daemon takes to answer: requests whose bytes are made beforehand, on one connection or on a new one each."""
import json
import socket
import time


class Caller:
    """`kind` speaks its own protocol: ours one JSON-RPC value a line, the peer HTTP."""

    def __init__(self, kind, path):
        self.kind, self.path, self.connection = kind, str(path), None
        self.buffer = bytearray(1 << 20)  # made once: what is measured is the daemon

    def payload(self, operation, params=None):
        if self.kind == "ours":
            call = {"jsonrpc": "2.0", "id": 1, "method": operation, **({"params": params} if params else {})}
            return json.dumps(call).encode() + b"\n"
        body = json.dumps(params).encode() if params else b""
        head = (f"{'POST' if params else 'GET'} /{operation} HTTP/1.1\r\nHost: localhost\r\n"
                f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n")
        return head.encode() + body

    def connect(self):
        self.close()
        self.connection = socket.socket(socket.AF_UNIX)
        self.connection.settimeout(30)
        self.connection.connect(self.path)

    def close(self):
        if self.connection:
            self.connection.close()
        self.connection = None

    def exchange(self, payload):
        """Milliseconds from sending to the last byte of the answer, which is looked at after the time is taken."""
        start, data = time.perf_counter(), b""
        self.connection.sendall(payload)
        while True:
            count = self.connection.recv_into(self.buffer)
            end = time.perf_counter()
            if not count:
                raise ConnectionError(f"{self.kind} closed the connection after {data!r}")
            data += self.buffer[:count]
            if self.complete(data):
                break
        if self.refused(data):
            raise RuntimeError(f"{self.kind} refused: {data!r}")
        return (end - start) * 1000

    def complete(self, data):
        if self.kind == "ours":
            return data.endswith(b"\n")
        head, blank, body = data.partition(b"\r\n\r\n")
        if not blank:
            return False
        fields = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:])
        if fields.get(b"transfer-encoding") == b"chunked":
            return body.endswith(b"0\r\n\r\n")
        return len(body) >= int(fields[b"content-length"])

    def refused(self, data):
        return b'"error":' in data if self.kind == "ours" else not data.startswith(b"HTTP/1.1 200")

    def times(self, operation, count, params=None, reconnect=False):
        """Milliseconds of each of `count` calls; with `reconnect` that of connecting among them."""
        payload, found = self.payload(operation, params), []
        if not reconnect:
            self.connect()
        for _ in range(count):
            start = time.perf_counter()
            if reconnect:
                self.connect()
            connected = time.perf_counter()
            found.append((connected - start) * 1000 + self.exchange(payload))
        self.close()
        return found
