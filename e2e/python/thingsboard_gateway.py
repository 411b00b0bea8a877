"""A gateway that runs ThingsBoard's own client for gateways.

    thingsboard_gateway.py HOST PORT TOKEN CHILD PROFILE    connects, speaks for CHILD, and prints what it is told for it
                                                            until that is a release, which CHILD then runs
"""
import json
import queue
import sys
import threading

from tb_gateway_mqtt import TBGatewayMqttClient


def say(words):
    print(json.dumps(words), flush=True)


def until(is_so):
    for _ in range(400):
        if is_so():
            return
        threading.Event().wait(0.05)
    sys.exit("waited in vain")


host, port, token, child, profile = sys.argv[1:]
gateway = TBGatewayMqttClient(host, int(port), username=token)
gateway.connect()
# The gateway program of the same makers does nothing before it knows its limits.
until(lambda: gateway.is_connected() and gateway.rate_limits_received)
gateway.gw_connect_device(child, profile).get()

pushes = queue.Queue()
gateway.gw_subscribe_to_all_attributes(pushes.put)
gateway.gw_send_attributes(child, {"serial": "C1"}).get()
gateway.gw_send_telemetry(child, {"current_fw_title": "app", "current_fw_version": "1"}).get()
answers = queue.Queue()
gateway.gw_request_shared_attributes(child, ["interval", "site"], lambda answer, _: answers.put(answer))
say(answers.get(timeout=20))
gateway.gw_request_client_attributes(child, ["serial"], lambda answer, _: answers.put(answer))
say(answers.get(timeout=20))

told = {}
while "fw_version" not in told:
    push = pushes.get(timeout=40)
    say(push)
    told = push["data"]
gateway.gw_send_telemetry(child, {"ts": 1, "values": {
    "current_fw_title": told["fw_title"], "current_fw_version": told["fw_version"], "fw_state": "UPDATED",
}}).get()
gateway.gw_disconnect_device(child).get()
gateway.disconnect()
gateway.stop()
