"""A device of Astarte's as somebody would write it with paho, the library for MQTT, and nothing of Astarte's.

    paho_astarte.py HOST PORT NAME CERTIFICATE KEY    NAME is REALM/ID; prints what it is granted, whether its session was there,
                                                      what it is sent, and how it is thrown out
"""
import json
import queue
import ssl
import sys

import paho.mqtt.client as mqtt

host, port, name, certificate, key = sys.argv[1:]
INTERFACE = f"{name}/io.edgehog.devicemanager"


def say(words):
    print(json.dumps(words), flush=True)


class Line:
    def __init__(self, client_id="", clean=True):
        self.connected, self.granted, self.messages, self.ended = (queue.Queue() for _ in range(4))
        client = mqtt.Client(client_id=client_id, clean_session=clean, protocol=mqtt.MQTTv311)
        client.tls_set(certfile=certificate, keyfile=key, cert_reqs=ssl.CERT_NONE)
        client.tls_insecure_set(True)
        client.on_connect = lambda _c, _u, flags, code: self.connected.put([code, flags["session present"]])
        client.on_subscribe = lambda _c, _u, _id, codes: self.granted.put(list(codes))
        client.on_message = lambda _c, _u, message: self.messages.put(message)
        client.on_disconnect = lambda _c, _u, code: self.ended.put(code)
        client.connect(host, int(port))
        client.loop_start()
        self.client = client

    def subscribe(self, *filters):
        self.client.subscribe([(each, 2) for each in filters])
        return self.granted.get(timeout=20)

    def tell(self, suffix, payload, qos=2):
        self.client.publish(f"{name}{suffix}", payload, qos).wait_for_publish(20)

    def hear(self):
        return self.messages.get(timeout=20)

    def close(self):
        self.client.disconnect()
        self.client.loop_stop()


# An empty client id, as Astarte's own SDK for Python has it.
line = Line()
say(line.connected.get(timeout=20))
say(line.subscribe(f"{name}/control/consumer/properties", f"{INTERFACE}.OTARequest/#", "another/device/#"))
line.tell("", "io.edgehog.devicemanager.OTARequest:1:0;io.edgehog.devicemanager.OTAEvent:0:1;"
              "io.edgehog.devicemanager.BaseImage:0:1")
line.tell("/control/emptyCache", b"1")
properties = line.hear()
say([properties.topic.replace(name, ""), properties.qos, properties.payload[:4].hex()])
line.close()

# A session that is kept: nothing is said the second time, and what is asked for comes all the same.
line = Line(client_id=name, clean=False)
say(line.connected.get(timeout=20))
say(line.subscribe(f"{name}/control/consumer/properties", f"{INTERFACE}.OTARequest/#"))
line.close()
line = Line(client_id=name, clean=False)
say(line.connected.get(timeout=20))
say("waiting")
request = line.hear()
say([request.topic.replace(name, ""), request.qos])

# A second line of the same device ends the first.
other = Line(client_id="whatever")
say(other.connected.get(timeout=20))
say(line.ended.get(timeout=20) != 0)
line.client.loop_stop()
other.close()
