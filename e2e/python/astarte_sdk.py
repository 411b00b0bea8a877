"""A device that runs Astarte's own SDK for Python, as it is.

    astarte_sdk.py register URL REALM TOKEN ID                   prints the credentials secret
    astarte_sdk.py update URL REALM SECRET ID VERSION INTERFACES connects, says that it runs VERSION, and does what it is asked:
                                                                 prints each request, and `connected` each time it is.
                                                                 A request whose uuid it knows is not answered again
    astarte_sdk.py report URL REALM SECRET ID VERSION INTERFACES UUID
                                                                 comes back with VERSION, and says that all went well
"""
import asyncio
import json
import sys
import warnings
from datetime import datetime, timezone
from pathlib import Path

warnings.simplefilter("ignore")

from astarte.device import DeviceMqtt, pairing_handler

PREFIX = "io.edgehog.devicemanager."


def say(words):
    print(json.dumps(words), flush=True)


def register(url, realm, token, device_id):
    say(pairing_handler.register_device_with_jwt_token(device_id, realm, token, url))


def device(url, realm, secret, device_id, interfaces):
    made = DeviceMqtt(device_id, realm, secret, url, ".", ignore_ssl_errors=True)
    made.add_interfaces_from_dir(Path(interfaces))
    return made


def event(made, uuid, status, progress=0):
    payload = {
        "requestUUID": uuid, "status": status, "statusProgress": progress, "statusCode": "", "message": "",
    }
    made.send_aggregate(f"{PREFIX}OTAEvent", "/event", payload, datetime.now(tz=timezone.utc))


async def connected(made, loop, on_data=None):
    came = asyncio.Queue()
    made.set_events_callbacks(
        on_connected=lambda _: came.put_nowait(None),
        on_data_received=on_data,
        on_disconnected=lambda _, code: say({"disconnected": code}),
        loop=loop,
    )
    made.connect()
    await asyncio.wait_for(came.get(), 20)
    say("connected")
    return came


def tell(made, version):
    made.send(f"{PREFIX}SystemInfo", "/serialNumber", "SN-1")
    made.send(f"{PREFIX}BaseImage", "/name", "app")
    made.send(f"{PREFIX}BaseImage", "/version", version)
    made.send(f"{PREFIX}HardwareInfo", "/mem/totalBytes", 1024)


async def update(url, realm, secret, device_id, version, interfaces):
    made = device(url, realm, secret, device_id, interfaces)
    asked = asyncio.Queue()
    loop = asyncio.get_running_loop()
    await connected(made, loop, lambda _device, name, path, payload: asked.put_nowait((name, path, payload)))
    tell(made, version)
    name, path, request = await asyncio.wait_for(asked.get(), 40)
    say([name, path, request])
    for status, progress in [
        ("Acknowledged", 0), ("Downloading", 0), ("Downloading", 50), ("Downloading", 100),
        ("Deploying", 0), ("Deployed", 0), ("Rebooting", 0),
    ]:
        event(made, request["uuid"], status, progress)
    await asyncio.sleep(0.5)
    made.disconnect()


async def report(url, realm, secret, device_id, version, interfaces, uuid):
    made = device(url, realm, secret, device_id, interfaces)
    await connected(made, asyncio.get_running_loop())
    tell(made, version)
    event(made, uuid, "Success")
    await asyncio.sleep(0.5)
    made.disconnect()


command, *args = sys.argv[1:]
if command == "register":
    register(*args)
else:
    asyncio.run({"update": update, "report": report}[command](*args))
