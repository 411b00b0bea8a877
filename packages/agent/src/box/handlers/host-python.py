"""Loads one handler, and says on the fourth stream how that went and which devices it has.

Started by the agent with the handler's file and the folder of libraries; ends when its standard input does, which it does
when the agent is gone.
"""

import asyncio
import importlib.util
import inspect
import json
import os
import signal
import sys
import threading
import time
import traceback

POLL_SECONDS = 3
FILE, LIBRARIES = sys.argv[1:3]

words = os.fdopen(3, "w", encoding="utf-8")
speaking = threading.Lock()
# What a handler starts must not hold on to it.
os.set_inheritable(3, False)


def say(word):
    with speaking:
        words.write(json.dumps(word) + "\n")
        words.flush()


def fail(error):
    place = traceback.extract_tb(error.__traceback__)
    where = f" ({place[-1].filename}, line {place[-1].lineno})" if place else ""
    say({"says": "failed", "error": f"{type(error).__name__}: {error}{where}"})
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(1)


class Box:
    """What a handler is given to tell its devices."""

    def __init__(self):
        self._last = None

    def report(self, devices):
        devices = list(devices)
        if devices != self._last:
            self._last = devices
            say({"says": "devices", "devices": devices})


def result_of(value):
    return asyncio.run(value) if inspect.isawaitable(value) else value


def poll(handler, box):
    try:
        while True:
            box.report(result_of(handler.devices()))
            seconds = getattr(handler, "poll_seconds", POLL_SECONDS)
            if not seconds:
                return
            time.sleep(seconds)
    except BaseException as error:
        fail(error)


def end():
    if hasattr(os, "killpg"):
        os.killpg(0, signal.SIGKILL)
    os._exit(0)


def watch(handlers):
    """In a thread of its own: also a handler that never returns ends with the agent."""
    while os.read(0, 256):
        pass
    threading.Timer(2, end).start()
    try:
        for handler in handlers:
            if hasattr(handler, "stop"):
                result_of(handler.stop())
    finally:
        end()


def main():
    loaded = []
    threading.Thread(target=watch, args=(loaded,), daemon=True).start()
    sys.dont_write_bytecode = True
    sys.path[0] = LIBRARIES
    sys.path.append(os.path.dirname(FILE))
    name = os.path.splitext(os.path.basename(FILE))[0]
    spec = importlib.util.spec_from_file_location(name, FILE)
    handler = importlib.util.module_from_spec(spec)
    sys.modules[name] = handler
    spec.loader.exec_module(handler)
    if not hasattr(handler, "devices") and not hasattr(handler, "start"):
        raise ImportError("it has neither devices() nor start()")
    loaded.append(handler)
    say({"says": "loaded"})
    box = Box()
    if not hasattr(handler, "start"):
        poll(handler, box)
        return
    if hasattr(handler, "devices"):
        threading.Thread(target=poll, args=(handler, box)).start()
    result_of(handler.start(box))


try:
    main()
except BaseException as error:
    if not (isinstance(error, SystemExit) and not error.code):
        fail(error)
