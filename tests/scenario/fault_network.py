"""Toxiproxy between the daemon and its store, and the faults that each store has to endure."""
import pathlib
import sys

from fault_run import FaultRun

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from support_py import toxiproxy  # noqa: E402


class Network(FaultRun):
    def behind(self, server):
        self.server = server
        self.addCleanup(server.stop)
        self.proxy = toxiproxy.Toxiproxy(self.dir, server.port)
        self.addCleanup(self.proxy.stop)

    def endure_toxics(self, *toxics):
        def begin():
            for kind, stream, attributes in toxics:
                self.proxy.poison(kind, stream, **attributes)
        self.endure(self.proxy.front, self.server.port, begin, self.proxy.heal)


class StoreNetwork(Network):
    """Before a store of fault_stores.py."""

    def setUp(self):
        super().setUp()
        self.behind(self.make_server())


class EachToxic:
    """The tests of each store."""

    def test_latency(self):
        self.endure_toxics(("latency", "upstream", {"latency": 500, "jitter": 200}))

    def test_narrow(self):
        self.endure_toxics(("bandwidth", "upstream", {"rate": 300}), ("bandwidth", "downstream", {"rate": 300}))

    def test_silence(self):
        """What is sent is swallowed, and nothing is closed."""
        self.endure_toxics(("timeout", "upstream", {"timeout": 0}))

    def test_reset_in_a_body(self):
        """Every connection ends after so many bytes."""
        self.endure_toxics(("limit_data", "upstream", {"bytes": 40_000}))

    def test_reset_in_an_answer(self):
        self.endure_toxics(("limit_data", "downstream", {"bytes": 150}))

    def test_reset(self):
        self.endure_toxics(("reset_peer", "upstream", {"timeout": 30}))

    def test_slow_close(self):
        self.endure_toxics(("slow_close", "upstream", {"delay": 2000}), ("slow_close", "downstream", {"delay": 2000}))
