"""A server between a client and an HTTP store, which answers in its place, or spoils its answers, as a test says."""
import contextlib
import socket
import struct
import threading
import time
from typing import NamedTuple

FORWARD = "forward"
TRUNCATE = "truncate"  # the head of the store's answer, half of its body, and the end of the connection
LOSE = "lose"  # the store does what it is asked; the client sees a reset


class Seen(NamedTuple):
    at: float  # time.monotonic()
    method: str
    path: str
    answer: object  # what the script said


def answer(status, body=b"", **headers):
    lines = [f"HTTP/1.1 {status} scripted", f"Content-Length: {len(body)}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return ("\r\n".join(lines) + "\r\n\r\n").encode() + body


def s3_error(status, code, **headers):
    body = f"<?xml version='1.0' encoding='UTF-8'?><Error><Code>{code}</Code><Message>scripted</Message></Error>"
    return answer(status, body.encode(), Content_Type="application/xml", **headers)


class Stream:
    """HTTP messages from a socket."""

    def __init__(self, connected):
        self.socket, self.kept = connected, b""

    def _more(self):
        chunk = self.socket.recv(1 << 16)
        if not chunk:
            raise ConnectionError("ended")
        self.kept += chunk

    def _until(self, size):
        while len(self.kept) < size:
            self._more()
        taken, self.kept = self.kept[:size], self.kept[size:]
        return taken

    def _line(self):
        while b"\r\n" not in self.kept:
            self._more()
        return self._until(self.kept.index(b"\r\n") + 2)

    def message(self, bodiless=False):
        """(head, body), each as it came; a chunked body with its chunks."""
        while b"\r\n\r\n" not in self.kept:
            self._more()
        head = self._until(self.kept.index(b"\r\n\r\n") + 4)
        fields = dict(line.lower().split(b":", 1) for line in head.split(b"\r\n")[1:] if b":" in line)
        if bodiless or head.split(b" ", 2)[1] in (b"204", b"304"):
            return head, b""
        if b"chunked" not in fields.get(b"transfer-encoding", b""):
            return head, self._until(int(fields.get(b"content-length", b"0")))
        body, size = b"", 1
        while size:
            line = self._line()
            size = int(line.split(b";")[0], 16)
            body += line + self._until(size + 2)
        return head, body


class Between:
    """`script(method, path)` says for each request FORWARD, TRUNCATE, LOSE or the bytes of an answer."""

    def __init__(self, upstream):
        self.upstream = upstream
        self.script = lambda method, path: FORWARD
        self.seen = []
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
        self.port = self._listener.getsockname()[1]
        self._open, self._lock = set(), threading.Lock()
        threading.Thread(target=self._accept, daemon=True).start()

    def stop(self):
        self._listener.close()
        with self._lock:
            for one in self._open:
                with contextlib.suppress(OSError):
                    one.shutdown(socket.SHUT_RDWR)

    def heal(self):
        self.script = lambda method, path: FORWARD

    def _accept(self):
        while True:
            try:
                client = self._listener.accept()[0]
            except OSError:
                return
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client):
        store = socket.create_connection(("127.0.0.1", self.upstream))
        store.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with self._lock:
            self._open |= {client, store}
        with contextlib.suppress(OSError), client, store:
            self._exchange_all(client, store)
        with self._lock:
            self._open -= {client, store}

    def _exchange_all(self, client, store):
        asking, telling = Stream(client), Stream(store)
        while True:
            head, body = asking.message()
            method, path = head.decode("latin-1").split(" ", 2)[:2]
            said = self.script(method, path)
            self.seen.append(Seen(time.monotonic(), method, path, said))
            if isinstance(said, bytes):
                client.sendall(said)
                continue
            store.sendall(head + body)
            head, body = telling.message(bodiless=method == "HEAD")
            if said == LOSE:  # closed with a reset
                client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                return
            client.sendall(head + (body[:len(body) // 2] if said == TRUNCATE else body))
            if said == TRUNCATE and body:
                return
