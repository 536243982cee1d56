#!/usr/bin/env python3
"""Adds a tenant's database, makes its last commit durable and takes it out: orchestrate.py URL DATABASE CONFIG"""
import json
import sys
import urllib.request


def call(url, method, **params):
    """One JSON-RPC call of litestreamd over HTTP; its result."""
    body = json.dumps({"jsonrpc": "2.0", "method": method, "params": params, "id": 1}).encode()
    request = urllib.request.Request(url, body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=params.get("timeout", 30) + 2) as response:
        reply = json.load(response)
    if "error" in reply:
        error = reply["error"]
        raise RuntimeError(f"{method}: {error['message']} ({error.get('data', {}).get('reason')})")
    return reply["result"]


def main(url, database, config):
    call(url, "start", path=database, config=config, wait=True)
    synced = call(url, "sync", path=database, wait=True, timeout=60)
    print(f"durable up to transaction {synced['replicated_txid']}")
    for entry in call(url, "list", details=True):
        print(entry["path"], entry["status"], f"{entry['lag_seconds']} s behind")
    print(call(url, "stop", path=database)["status"])


if __name__ == "__main__":
    main(*sys.argv[1:])
