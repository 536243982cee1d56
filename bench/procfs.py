"""What a process has used, from /proc."""
import os
import pathlib
import subprocess
import threading
import time
from typing import NamedTuple

from support_py import programs

TICK = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")


class Usage(NamedTuple):
    wall: float
    cpu: float

    def __sub__(self, other):
        return Usage(self.wall - other.wall, self.cpu - other.cpu)


def usage(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return Usage(time.monotonic(), (int(fields[11]) + int(fields[12])) / TICK)


class Footprint(NamedTuple):
    rss_mb: float
    descriptors: int
    threads: int


def footprint(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return Footprint(int(fields[21]) * PAGE / 1e6, len(os.listdir(f"/proc/{pid}/fd")), int(fields[17]))


def peak_rss_mb(pid):
    """Of the program now in the process; rusage counts what forked it too. 0 once it has ended."""
    try:
        status = pathlib.Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0
    return next((int(line.split()[1]) / 1000 for line in status.splitlines() if line.startswith("VmHWM:")), 0)


def run_measured(command):
    """Runs to the end: wall and CPU seconds, and the largest resident set in MB, looked at each 5 ms."""
    start = time.monotonic()
    process = subprocess.Popen(command, env=programs.environment(), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    peaks, ended = [0], threading.Event()
    def watch():
        while not ended.wait(0.005):
            peaks.append(peak_rss_mb(process.pid))
    watcher = threading.Thread(target=watch)
    watcher.start()
    complaint = process.stderr.read()
    ended.set()
    watcher.join()
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise programs.Failed(f"{command}: {complaint.decode()}")
    return Usage(time.monotonic() - start, used.ru_utime + used.ru_stime), max(peaks)


def percentile(values, share):
    ordered = sorted(values)
    return ordered[round(share * (len(ordered) - 1))]


def machine():
    """The kind of machine, nothing that names it."""
    text = pathlib.Path("/proc/cpuinfo").read_text()
    model = next((line.split(":", 1)[1].strip() for line in text.splitlines() if line.startswith("model name")), "unknown CPU")
    memory = int(pathlib.Path("/proc/meminfo").read_text().split()[1]) / 1e6
    kernel = os.uname()
    return f"{os.cpu_count()} cores of {model}, {memory:.0f} GB of memory, {kernel.sysname} {kernel.release.split('-')[0]}"
