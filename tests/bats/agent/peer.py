# SPDX-License-Identifier: LGPL-2.1-or-later
"""The host's end of doc/PROTOCOL.md, for tests: drives an hvrun-agent that runs as an ordinary process over two sockets."""
import json
import os
import select
import socket
import struct
import subprocess

HELLO, SEED, CREATE, START, EXEC, SIGNAL = range(1, 7)
RESIZE, DESTROY = 8, 9
FREEZE, UPDATE, PROCESSES, STATS, WAIT_OOM = range(10, 15)
REMOVE, DEBUG = 17, 21
EXIT, DATA, EOF, CREDIT, RESET = 16, 32, 33, 34, 35
REPLY, ERROR = 1, 2
INIT = 1
WINDOW = 128 << 10


class Failed(Exception):
    """The agent answered with an error."""


def stream(process, which):
    return process << 2 | which


class Port:
    """One socket with frames on it."""

    def __init__(self, sock):
        self.sock = sock
        self.buffer = b""

    def send(self, kind, ident=0, body=b"", flags=0):
        self.sock.sendall(struct.pack("<IHHQ", len(body), kind, flags, ident) + body)

    def frame(self):
        """A whole frame that is there already, or None."""
        if len(self.buffer) < 16:
            return None
        length, kind, flags, ident = struct.unpack("<IHHQ", self.buffer[:16])
        if len(self.buffer) < 16 + length:
            return None
        body, self.buffer = self.buffer[16:16 + length], self.buffer[16 + length:]
        return kind, flags, ident, body


class Agent:
    """An agent and all that it has sent so far."""

    def __init__(self, binary, root, extra=()):
        ours, theirs = zip(*(socket.socketpair() for _ in range(2)))
        fds = [s.fileno() for s in theirs]
        self.process = subprocess.Popen(
            [binary, "--control-fd", str(fds[0]), "--stream-fd", str(fds[1]), "--root", root, *extra], pass_fds=fds)
        for s in theirs:
            s.close()
        self.control, self.streams = Port(ours[0]), Port(ours[1])
        self.last = 0
        self.hello, self.closed = None, False
        self.replies, self.exits, self.data, self.eof, self.credit, self.reset = {}, {}, {}, set(), {}, set()
        self.auto_credit = True

    # receiving

    def _control(self, kind, flags, ident, body):
        if kind == HELLO and not flags:
            self.hello = json.loads(body)
        else:
            assert flags & REPLY, (kind, flags)
            self.replies[ident] = (kind, flags, body)

    def _stream(self, kind, flags, ident, body):
        assert flags == 0
        if kind == DATA:
            self.data[ident] = self.data.get(ident, b"") + body
            if self.auto_credit:
                self.give(ident, len(body))
        elif kind == EOF:
            self.eof.add(ident)
        elif kind == CREDIT:
            self.credit[ident] = self.credit.get(ident, 0) + struct.unpack("<I", body)[0]
        elif kind == RESET:
            self.reset.add(ident)
        elif kind == EXIT:
            self.exits[ident] = json.loads(body)
        else:
            raise AssertionError(kind)

    def step(self, timeout=10.0):
        """Takes in what comes within timeout; False when nothing did."""
        ports = {self.control.sock: self.control, self.streams.sock: self.streams}
        ready, _, _ = select.select(list(ports), [], [], timeout)
        for sock in ready:
            port = ports[sock]
            try:
                received = sock.recv(1 << 16)
            except ConnectionResetError:
                received = b""
            if not received:
                self.closed = True
                return False
            port.buffer += received
            while (frame := port.frame()) is not None:
                (self._control if port is self.control else self._stream)(*frame)
        return bool(ready)

    def until(self, condition, timeout=10.0):
        while not condition():
            assert self.step(timeout), "the agent says nothing"

    # sending

    def give(self, ident, n):
        self.streams.send(CREDIT, ident, struct.pack("<I", n))

    def write(self, ident, data):
        """Sends data as credit allows."""
        while data:
            self.until(lambda: self.credit.get(ident, 0) > 0 or ident in self.reset)
            if ident in self.reset:
                return
            part = data[:min(self.credit[ident], 32 << 10)]
            self.credit[ident] -= len(part)
            self.streams.send(DATA, ident, part)
            data = data[len(part):]

    def post(self, kind, message):
        self.last += 1
        self.control.send(kind, self.last, json.dumps(message).encode())
        return self.last

    def answer(self, ident):
        self.until(lambda: ident in self.replies)
        kind, flags, body = self.replies.pop(ident)
        if flags & ERROR:
            raise Failed(body[4:].decode())
        return json.loads(body) if body else None

    def call(self, kind, message):
        return self.answer(self.post(kind, message))

    # the usual

    def seed(self):
        self.until(lambda: self.hello)
        self.call(SEED, {"version": 1, "entropy": "00" * 64, "seconds": 1, "nanoseconds": 0})

    def create(self, config, ident="c1", number=INIT):
        self.call(CREATE, {"id": ident, "config": json.dumps(config), "terminal": config["process"].get("terminal", False),
                           "number": number})
        for which in (1, 2):
            self.give(stream(number, which), WINDOW)

    def start(self, ident="c1"):
        self.call(START, {"id": ident})

    def exec(self, number, process, ident="c1"):
        self.call(EXEC, {"id": ident, "number": number, "process": process})
        for which in (1, 2):
            self.give(stream(number, which), WINDOW)

    def debug(self, number, program, *args, size=None, **process):
        self.credit.pop(stream(number, 3), None)  # of another one with this number
        ident = self.post(DEBUG, {"id": "c1", "number": number, "programSize": size or len(program),
                                  "process": {"args": list(args), "cwd": "/", "env": ["PATH=/bin:/usr/bin"], **process}})
        self.write(stream(number, 3), program)
        self.streams.send(EOF, stream(number, 3))
        self.answer(ident)
        for which in (1, 2):
            self.give(stream(number, which), WINDOW)

    def wait(self, number=INIT):
        self.until(lambda: number in self.exits)
        return self.exits[number]

    def output(self, number=INIT, which=1):
        return self.data.get(stream(number, which), b"")

    def end(self):
        self.control.sock.close()
        self.streams.sock.close()
        return self.process.wait(10)


def config(rootfs, *args, **process):
    """A config.json like the one that `spec` writes."""
    return {
        "ociVersion": "1.3.0",
        "process": {"user": {"uid": 0, "gid": 0}, "args": list(args), "env": ["PATH=/bin:/usr/bin"], "cwd": "/",
                    "capabilities": {k: ["CAP_KILL"] for k in ("bounding", "effective", "permitted")}, **process},
        "root": {"path": rootfs, "readonly": False},
        "mounts": [{"destination": "/proc", "type": "proc", "source": "proc"},
                   {"destination": "/dev", "type": "tmpfs", "source": "tmpfs", "options": ["nosuid", "mode=755"]},
                   {"destination": "/dev/pts", "type": "devpts", "source": "devpts",
                    "options": ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620"]}],
        "linux": {"namespaces": [{"type": t} for t in ("pid", "mount", "ipc", "uts", "network")]},
    }


def exec_process(*args, **process):
    return {"args": list(args), "cwd": "/", "env": ["PATH=/bin:/usr/bin"], "user": {"uid": 0, "gid": 0}, **process}


def rootfs(directory):
    """A root file system with Debian's static busybox in it."""
    for name in ("bin", "proc", "dev", "tmp"):
        os.makedirs(os.path.join(directory, name), exist_ok=True)
    busybox = os.path.join(directory, "bin/busybox")
    if not os.path.exists(busybox):
        subprocess.run(["cp", "/bin/busybox", busybox], check=True)
        for name in ("sh", "cat", "echo", "sleep", "true", "kill", "stty", "head", "yes", "ps", "readlink", "trap", "id"):
            os.symlink("busybox", os.path.join(directory, "bin", name))
    return directory
