"""A device that speaks ThingsBoard's CoAP API through aiocoap, as ThingsBoard's own sample does.

    coap_device.py URL TOKEN CHUNK_SIZE FILE    observes until it is told of firmware, fetches it in chunks and as a
                                                whole, writes the former to FILE and says whether both are the same
"""
import asyncio
import json
import sys

from aiocoap import GET, POST, Context, Message


def say(words):
    print(json.dumps(words), flush=True)


async def update(url, token, chunk_size, file):
    context = await Context.create_client_context()
    api = f"{url}/api/v1/{token}"

    async def ask(code, address, payload=b"", **options):
        return await context.request(Message(code=code, uri=address, payload=payload), **options).response

    async def tell(**telemetry):
        await ask(POST, f"{api}/telemetry", json.dumps(telemetry).encode())

    attributes = context.request(Message(code=GET, uri=f"{api}/attributes", observe=0))
    say(json.loads((await attributes.response).payload))
    told = json.loads((await anext(aiter(attributes.observation))).payload)
    attributes.observation.cancel()
    say(told)

    title, version = told["fw_title"], told["fw_version"]
    await tell(fw_state="DOWNLOADING")
    firmware, chunk = b"", 0
    while True:
        query = f"title={title}&version={version}&size={chunk_size}&chunk={chunk}"
        # A chunk is a datagram of its own: the sample leaves no blocks to the library.
        answer = await ask(GET, f"{url}/fw/{token}?{query}", handle_blockwise=False)
        if not answer.payload:
            break
        firmware += answer.payload
        chunk += 1
    with open(file, "wb") as out:
        out.write(firmware)
    whole = (await ask(GET, f"{url}/fw/{token}")).payload
    for state in "DOWNLOADED", "VERIFIED", "UPDATING":
        await tell(fw_state=state)
    await tell(fw_state="UPDATED", current_fw_title=title, current_fw_version=version)
    say({"same": whole == firmware, "chunks": chunk})
    await context.shutdown()


asyncio.run(update(*sys.argv[1:]))
