"""Stores that are no use: one that takes connections and never answers, and addresses where nobody listens."""
import contextlib
import socket
import threading

from . import servers


class SilentStore:
    """Takes all connections, and all that is sent."""

    def __init__(self):
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port = self._listener.getsockname()[1]
        self._open = []
        threading.Thread(target=self._accept, daemon=True).start()

    def stop(self):
        for one in (self._listener, *self._open):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()

    def _accept(self):
        while True:
            try:
                client = self._listener.accept()[0]
            except OSError:
                return
            self._open.append(client)
            threading.Thread(target=self._swallow, args=(client,), daemon=True).start()

    @staticmethod
    def _swallow(client):
        with contextlib.suppress(OSError):
            while client.recv(1 << 16):
                pass


def refusing_port():
    return servers.free_port()
