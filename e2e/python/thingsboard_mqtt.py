"""A device that runs ThingsBoard's own MQTT client, as its samples use it.

    thingsboard_mqtt.py update HOST PORT TOKEN CHUNK_SIZE TITLE VERSION   looks for firmware, ends when it runs VERSION
    thingsboard_mqtt.py listen HOST PORT TOKEN CHUNK_SIZE TITLE VERSION   the same without looking: it is told
    thingsboard_mqtt.py provision HOST PORT NAME KEY SECRET               prints the token, or why it got none
"""
import json
import random
import sys
import threading

from tb_device_mqtt import ProvisionClient, TBDeviceMqttClient


def say(words):
    print(json.dumps(words), flush=True)


# The client throws dice for one download in three to seem damaged: 4 and 5 are bad.
GOOD_THROWS = 2


def run(host, port, token, chunk_size, title, version, looks):
    client = TBDeviceMqttClient(host, int(port), username=token, chunk_size=int(chunk_size))
    client.connect()
    # It may be connected before it keeps the callback that would say so.
    for _ in range(400):
        if client.is_connected():
            break
        threading.Event().wait(0.05)
    else:
        sys.exit("not connected")
    say("connected")
    random.seed(GOOD_THROWS)
    # It tells on its own thread when it has installed; what it told is its record of what it runs.
    if looks:
        client.get_firmware_update()
    wanted = {"current_fw_title": title, "current_fw_version": version}
    while not all(client.current_firmware_info.get(key) == wanted[key] for key in wanted):
        threading.Event().wait(0.05)
    threading.Event().wait(0.5)
    client.disconnect()
    client.stop()


def provision(host, port, name, key, secret):
    client = ProvisionClient(host, int(port), {
        "deviceName": name,
        "provisionDeviceKey": key,
        "provisionDeviceSecret": secret,
    })
    client.provision()
    credentials = client.get_credentials()
    say(credentials)


COMMANDS = {
    "update": lambda *args: run(*args, looks=True),
    "listen": lambda *args: run(*args, looks=False),
    "provision": provision,
}
COMMANDS[sys.argv[1]](*sys.argv[2:])
