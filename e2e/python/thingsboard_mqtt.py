"""A device that runs ThingsBoard's own MQTT client, as its samples use it.

    thingsboard_mqtt.py update HOST PORT TOKEN CHUNK_SIZE TITLE VERSION   looks for firmware, ends when it runs VERSION
    thingsboard_mqtt.py listen HOST PORT TOKEN CHUNK_SIZE TITLE VERSION   the same without looking: it is told
    thingsboard_mqtt.py look HOST PORT LOGIN                              looks for firmware and ends when it was answered; LOGIN
                                                                          is JSON: what to make the client with, and below
                                                                          `tls` what to connect it with
    thingsboard_mqtt.py provision HOST PORT REQUEST                       prints the credentials, or null; REQUEST is JSON:
                                                                          what to call `provision` with
"""
import json
import random
import sys
import threading

from tb_device_mqtt import TBDeviceMqttClient


def say(words):
    print(json.dumps(words), flush=True)


def until(is_so, patience_seconds=20):
    for _ in range(int(patience_seconds / 0.05)):
        if is_so():
            return
        threading.Event().wait(0.05)
    sys.exit("waited in vain")


# The client throws dice for one download in three to seem damaged: 4 and 5 are bad.
GOOD_THROWS = 2


def connected(host, port, tls=None, **login):
    client = TBDeviceMqttClient(host, int(port), **login)
    client.connect(tls=tls is not None, **(tls or {}))
    # It may be connected before it keeps the callback that would say so.
    until(client.is_connected)
    return client


def run(host, port, token, chunk_size, title, version, looks):
    client = connected(host, port, username=token, chunk_size=int(chunk_size))
    client.subscribe_to_all_attributes(lambda told, _: say({"told": told}))
    say("connected")
    random.seed(GOOD_THROWS)
    # It tells on its own thread when it has installed; what it told is its record of what it runs.
    if looks:
        client.get_firmware_update()
    wanted = {"current_fw_title": title, "current_fw_version": version}
    until(lambda: all(client.current_firmware_info.get(key) == wanted[key] for key in wanted), patience_seconds=50)
    threading.Event().wait(0.5)
    client.disconnect()
    client.stop()


def look(host, port, login):
    client = connected(host, port, **json.loads(login))
    client.get_firmware_update()
    answered = threading.Event()
    client.request_attributes(shared_keys=["fw_version"], callback=lambda answer, _: say(answer) or answered.set())
    answered.wait(20)
    say(client.current_firmware_info)
    client.disconnect()
    client.stop()


def provision(host, port, request):
    say(TBDeviceMqttClient.provision(host=host, port=int(port), **json.loads(request)))


COMMANDS = {
    "update": lambda *args: run(*args, looks=True),
    "listen": lambda *args: run(*args, looks=False),
    "look": look,
    "provision": provision,
}
COMMANDS[sys.argv[1]](*sys.argv[2:])
