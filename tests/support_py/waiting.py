"""Waiting on conditions."""
import time


def until(condition, what, patience=30.0, pause=0.005):
    """Returns the condition's first true value; TimeoutError after `patience` seconds."""
    end = time.monotonic() + patience
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise TimeoutError(f"waited {patience:g} s for: {what}")
        time.sleep(pause)
