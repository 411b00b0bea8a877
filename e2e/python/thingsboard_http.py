"""A device that runs ThingsBoard's own HTTP client, as its samples use it.

    thingsboard_http.py update URL TOKEN CHUNK_SIZE        one look for firmware, then ends
    thingsboard_http.py update-at-second-try URL TOKEN CHUNK_SIZE
    thingsboard_http.py follow URL TOKEN                   prints attribute updates until it is ended
    thingsboard_http.py provision URL NAME KEY SECRET      prints the token, or why it got none
"""
import json
import random
import sys
import threading

from tb_device_http import TBHTTPDevice, TBProvisionFailure


def say(words):
    print(json.dumps(words), flush=True)


# The client throws dice for one download in three to seem damaged: 4 and 5 are bad.
GOOD_THROWS, BAD_THROW_FIRST = 2, 6


def update(url, token, chunk_size, throws=GOOD_THROWS, looks=1):
    random.seed(throws)
    device = TBHTTPDevice(url, token, chunk_size=int(chunk_size))
    if not device.connect():
        sys.exit("not connected")
    for _ in range(looks):
        device.get_firmware_update()
        # What it says goes out by a thread of its own.
        device._TBHTTPDevice__worker["publish"]["queue"].join()


def update_at_second_try(*args):
    update(*args, throws=BAD_THROW_FIRST, looks=2)


def follow(url, token):
    device = TBHTTPDevice(url, token)
    if not device.connect():
        sys.exit("not connected")
    device.subscribe("attributes", say)
    say("following")
    threading.Event().wait()


def provision(url, name, key, secret):
    try:
        device = TBHTTPDevice.provision(url, name, key, secret)
    except TBProvisionFailure as failure:
        say({"failure": failure.args[0]})
        return
    device.send_attributes({"serial": "A1"})
    say({"token": device.token})


COMMANDS = {
    "update": update,
    "update-at-second-try": update_at_second_try,
    "follow": follow,
    "provision": provision,
}
COMMANDS[sys.argv[1]](*sys.argv[2:])
