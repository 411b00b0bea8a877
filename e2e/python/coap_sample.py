"""A device that does what ThingsBoard's sample for CoAP does, through the library that it uses.

    coap_sample.py URL TOKEN CHUNK_SIZE FILE    polls once a second until it has updated, at its second throw of the
                                                dice, and writes what it fetched to FILE; 0: the file as a whole
"""
import asyncio
import json
import sys
from hashlib import sha256
from math import ceil

from aiocoap import GET, POST, Context, Message

KEYS = "fw_checksum,fw_checksum_algorithm,fw_size,fw_title,fw_version"


def say(words):
    print(json.dumps(words), flush=True)


async def fetch(ask, address, told, chunk_size):
    where = f"{address}?title={told['fw_title']}&version={told['fw_version']}"
    if chunk_size == 0:
        return (await ask(GET, where)).payload
    size = min(chunk_size, told["fw_size"])
    data = b""
    # It counts one chunk too many.
    for chunk in range(ceil(told["fw_size"] / chunk_size) + 1):
        answer = await ask(GET, f"{where}&size={size}&chunk={chunk}", handle_blockwise=False)
        data += answer.payload
    return data


async def run(url, token, chunk_size, file):
    context = await Context.create_client_context()
    api = f"{url}/api/v1/{token}"
    runs = {"current_fw_title": "Initial", "current_fw_version": "v0"}

    async def ask(code, address, payload=b"", **options):
        return await context.request(Message(code=code, uri=address, payload=payload), **options).response

    async def tell(**words):
        await ask(POST, f"{api}/telemetry", json.dumps({**runs, **words}).encode())

    await tell()
    throws = iter([False, True])
    while True:
        # Whatever is answered has to be JSON.
        told = json.loads((await ask(GET, f"{api}/attributes?sharedKeys={KEYS}")).payload).get("shared", {})
        say(told)
        if told.get("fw_version") is None:
            await asyncio.sleep(1)
            continue
        await tell(fw_state="DOWNLOADING")
        firmware = await fetch(ask, f"{url}/fw/{token}", told, chunk_size)
        await tell(fw_state="DOWNLOADED")
        if not next(throws):
            await tell(fw_state="FAILED")
            continue
        if sha256(firmware).hexdigest() != told["fw_checksum"]:
            sys.exit("other bytes came")
        await tell(fw_state="VERIFIED")
        await tell(fw_state="UPDATING")
        break
    with open(file, "wb") as out:
        out.write(firmware)
    runs = {"current_fw_title": told["fw_title"], "current_fw_version": told["fw_version"]}
    await tell(fw_state="UPDATED")
    await context.shutdown()


url, token, chunk_size, file = sys.argv[1:]
asyncio.run(run(url, token, int(chunk_size), file))
