"""Another client of NATS object stores (nats-py), and keys for tests.

nats_client.py put URL BUCKET KEY FILE | get URL BUCKET KEY FILE | list URL BUCKET | keys DIRECTORY
  keys  writes user.pub, user.seed, and operator.conf and user.creds for a server that takes JWTs
"""
import asyncio
import base64
import hashlib
import json
import os
import pathlib
import sys
import time

import nats
import nats.js.errors
import nkeys


def new_pair(prefix):
    seed = nkeys.encode_seed(os.urandom(32), prefix)
    return nkeys.from_seed(bytearray(seed)), bytes(seed)


def jwt(issuer, subject, name, claims):
    def part(value):
        return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=")
    body = {"jti": hashlib.sha256(os.urandom(16)).hexdigest(), "iat": int(time.time()), "name": name,
            "iss": issuer.public_key.decode(), "sub": subject.public_key.decode(), "nats": claims}
    head = part({"typ": "JWT", "alg": "ed25519-nkey"}) + b"." + part(body)
    return (head + b"." + base64.urlsafe_b64encode(issuer.sign(head)).rstrip(b"=")).decode()


def keys(directory):
    place = pathlib.Path(directory)
    user, seed = new_pair(nkeys.PREFIX_BYTE_USER)
    place.joinpath("user.pub").write_bytes(user.public_key)
    place.joinpath("user.seed").write_bytes(seed)
    operator, _ = new_pair(nkeys.PREFIX_BYTE_OPERATOR)
    account, _ = new_pair(nkeys.PREFIX_BYTE_ACCOUNT)
    system, _ = new_pair(nkeys.PREFIX_BYTE_ACCOUNT)
    limits = {"subs": -1, "data": -1, "payload": -1, "imports": -1, "exports": -1, "wildcards": True, "conn": -1,
              "leaf": -1, "mem_storage": -1, "disk_storage": -1, "streams": -1, "consumer": -1}
    operator_jwt = jwt(operator, operator, "operator", {"type": "operator", "version": 2})
    account_jwt = jwt(operator, account, "account", {"limits": limits, "type": "account", "version": 2})
    user_jwt = jwt(account, user, "user", {"pub": {}, "sub": {}, "subs": -1, "data": -1, "payload": -1,
                                           "type": "user", "version": 2})
    no_storage = {**limits, "mem_storage": 0, "disk_storage": 0, "streams": 0, "consumer": 0}
    system_jwt = jwt(operator, system, "system", {"limits": no_storage, "type": "account", "version": 2})
    place.joinpath("operator.conf").write_text(
        f"operator: {operator_jwt}\nsystem_account: {system.public_key.decode()}\nresolver: MEMORY\n"
        f"resolver_preload: {{ {account.public_key.decode()}: {account_jwt}\n"
        f"{system.public_key.decode()}: {system_jwt} }}\n")
    place.joinpath("user.jwt").write_text(user_jwt)
    place.joinpath("user.creds").write_text(
        f"-----BEGIN NATS USER JWT-----\n{user_jwt}\n------END NATS USER JWT------\n\n"
        f"-----BEGIN USER NKEY SEED-----\n{seed.decode()}\n------END USER NKEY SEED------\n")


async def store(verb, url, bucket, *rest):
    connection = await nats.connect(url)
    jetstream = connection.jetstream()
    try:
        objects = await jetstream.object_store(bucket)
    except nats.js.errors.NotFoundError:
        objects = await jetstream.create_object_store(bucket)
    if verb == "put":
        await objects.put(rest[0], pathlib.Path(rest[1]).read_bytes())
    elif verb == "get":
        pathlib.Path(rest[1]).write_bytes((await objects.get(rest[0])).data)
    elif verb == "list":
        print("\n".join(sorted(info.name for info in await objects.list() if not info.deleted)))
    elif verb == "delete":
        await objects.delete(rest[0])
    await connection.close()


if sys.argv[1] == "keys":
    keys(sys.argv[2])
else:
    asyncio.run(store(*sys.argv[1:]))
