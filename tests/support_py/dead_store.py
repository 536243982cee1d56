"""Stores that are no use: one that takes connections and never answers, and addresses where nobody listens."""
import contextlib
import socket
import threading

from . import servers


class Listener:
    """Accepts connections for `_take(client)`, which adds to `_open` what stop() has to end."""

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
            self._take(client)


class SilentStore(Listener):
    """Takes all connections, and all that is sent."""

    def _take(self, client):
        self._open.append(client)
        threading.Thread(target=self._swallow, args=(client,), daemon=True).start()

    @staticmethod
    def _swallow(client):
        with contextlib.suppress(OSError):
            while client.recv(1 << 16):
                pass


def refusing_port():
    return servers.free_port()


class Relay(Listener):
    """Passes connections on to `upstream`, until it is told to stall: then, after so many bytes more to the store, it
    passes nothing on any more, in neither direction, and closes nothing."""

    def __init__(self, upstream):
        self._upstream = upstream
        self._changed, self._left = threading.Condition(), None
        super().__init__()

    def stall_after(self, size):
        with self._changed:
            self._left = size

    def is_stalled(self):
        return self._left is not None and self._left <= 0

    def go_on(self):
        with self._changed:
            self._left = None
            self._changed.notify_all()

    def stop(self):
        self.go_on()
        super().stop()

    def _take(self, client):
        store = socket.create_connection(("127.0.0.1", self._upstream))
        self._open += [client, store]
        threading.Thread(target=self._pass, args=(client, store, True), daemon=True).start()
        threading.Thread(target=self._pass, args=(store, client, False), daemon=True).start()

    def _pass(self, source, sink, upwards):
        with contextlib.suppress(OSError):
            while data := source.recv(1 << 14):
                with self._changed:
                    self._changed.wait_for(lambda: not self.is_stalled())
                    if upwards and self._left is not None:
                        self._left -= len(data)
                sink.sendall(data)
        for one in (source, sink):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
