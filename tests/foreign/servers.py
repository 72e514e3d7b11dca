# SPDX-License-Identifier: Apache-2.0
"""The servers that run_client, run_jetstream and run_services start."""

import json
import os
import re
import signal
import subprocess
import time

REAL = "nats-server-2.10"
NEWEST = "nats-server-newest"
START_SECONDS = 20
STOP_SECONDS = 20
SKIPPED = 77  # told to ctest


def real_server(name=REAL):
    """The path of a nats-server, if scripts/servers has put it there; `nats-server-newest` is 2.15 or later."""
    cache = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.environ.get("HOME", "/"), ".cache")
    directory = os.environ.get("NATSPROTO_SERVERS_DIR") or os.path.join(cache, "natsproto", "servers")
    if name == NEWEST:
        present = os.listdir(directory) if os.path.isdir(directory) else []
        minors = [int(m.group(1)) for m in map(re.compile(r"nats-server-2\.(\d+)").fullmatch, present) if m]
        name = f"nats-server-2.{max(minors, default=0)}"
        if max(minors, default=0) < 15:
            return None
    path = os.path.join(directory, name)
    return path if os.access(path, os.X_OK) else None


class Server:
    """One server on a free port of 127.0.0.1, which it keeps."""

    def __init__(self, program, directory, name, config, flags):
        self.directory = os.path.join(directory, name)
        os.mkdir(self.directory)
        self.port = None
        self.process = None
        self.retired = False
        self.log = os.path.join(self.directory, "log")
        self.real = program in (REAL, NEWEST)
        if self.real:
            program = real_server(program)
            file = os.path.join(self.directory, "server.conf")
            with open(file, "w", encoding="utf-8") as out:
                out.write(config + "\n")
            # -1 is a free port
            self.command = lambda port: [program, "-a", "127.0.0.1", "-p", str(port or -1), "-c", file,
                                         "--ports_file_dir", self.directory]
        else:
            ports = os.path.join(self.directory, "x.ports")
            self.command = lambda port: [program, "serve", "--port", str(port or 0), "--ports-file", ports] + flags
        self.start()

    def listening(self):
        """Its URL, when it has written it down."""
        for name in os.listdir(self.directory):
            if name.endswith(".ports"):
                try:
                    with open(os.path.join(self.directory, name), encoding="utf-8") as file:
                        return json.load(file)["nats"][0]
                except ValueError:
                    return None  # not complete yet
        return None

    def start(self):
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(self.command(self.port), stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        deadline = time.monotonic() + START_SECONDS
        while not (url := self.listening()):
            if self.process.poll() is not None or time.monotonic() > deadline:
                with open(self.log, encoding="utf-8", errors="replace") as log:
                    raise RuntimeError("the server did not start\n" + log.read())
            time.sleep(0.01)
        self.url = url
        self.port = int(url.rsplit(":", 1)[1])

    def kill(self):
        self.process.kill()
        self.process.wait()

    def restart(self):
        self.kill()
        for name in os.listdir(self.directory):
            if name.endswith(".ports"):
                os.remove(os.path.join(self.directory, name))
        self.start()

    def retire(self):
        self.retired = True
        self.process.send_signal(signal.SIGUSR2)

    def stop(self):
        """In order, so that a sanitizer may complain; what it complained about."""
        if self.real:
            self.kill()  # one that is leaving takes its time
            return ""
        if not self.retired:  # one that is has ended with its last client
            self.process.send_signal(signal.SIGTERM)
        status = self.process.wait(STOP_SECONDS)
        with open(self.log, encoding="utf-8", errors="replace") as log:
            text = log.read()
        good = status == 0 and "Sanitizer" not in text and "runtime error" not in text
        return "" if good else f"the server's exit status is {status}\n{text}"
