"""A device as somebody would write it with paho, the library for MQTT, and nothing of ThingsBoard's.

    paho_device.py HOST PORT TOKEN VERSION QOS    updates once; VERSION is 3.1.1 or 5; prints what it was granted, what it was
                                                  told, and how long the file is
"""
import hashlib
import json
import queue
import sys

import paho.mqtt.client as mqtt

CHUNK_BYTES = 4096
PROTOCOLS = {"3.1.1": mqtt.MQTTv311, "5": mqtt.MQTTv5}

host, port, token, version, qos = sys.argv[1:]
qos = int(qos)
connected, granted, messages = queue.Queue(), queue.Queue(), queue.Queue()


def say(words):
    print(json.dumps(words), flush=True)


client = mqtt.Client(protocol=PROTOCOLS[version])
client.username_pw_set(token)
client.on_connect = lambda _client, _userdata, _flags, code, _properties=None: connected.put(str(code))
client.on_subscribe = lambda _client, _userdata, _id, codes, _properties=None: granted.put(
    [getattr(code, "value", code) for code in codes])
client.on_message = lambda _client, _userdata, message: messages.put(message)
client.connect(host, int(port))
client.loop_start()
say(connected.get(timeout=20))
client.subscribe([("v1/devices/me/attributes", qos), ("v1/devices/me/attributes/response/+", qos),
                  ("v2/fw/response/+/chunk/+", qos)])
say(granted.get(timeout=20))


def tell(**telemetry):
    client.publish("v1/devices/me/telemetry", json.dumps(telemetry), qos).wait_for_publish(20)


def ask(topic, payload):
    client.publish(topic, payload, qos)
    return messages.get(timeout=20)


tell(current_fw_title="app", current_fw_version="1")
keys = "fw_title,fw_version,fw_size,fw_checksum,fw_checksum_algorithm"
answer = ask("v1/devices/me/attributes/request/1", json.dumps({"sharedKeys": keys}))
firmware = json.loads(answer.payload)["shared"]
say(firmware)

tell(fw_state="DOWNLOADING")
data = b""
while len(data) < firmware["fw_size"]:
    chunk = ask(f"v2/fw/request/1/chunk/{len(data) // CHUNK_BYTES}", str(CHUNK_BYTES))
    data += chunk.payload
tell(fw_state="DOWNLOADED")
if hashlib.sha256(data).hexdigest() != firmware["fw_checksum"]:
    tell(fw_state="FAILED", fw_error="the checksum is another")
    sys.exit("damaged")
tell(fw_state="VERIFIED")
tell(fw_state="UPDATING")
tell(fw_state="UPDATED", current_fw_title=firmware["fw_title"], current_fw_version=firmware["fw_version"])
say(len(data))
client.disconnect()
client.loop_stop()
