# SPDX-License-Identifier: LGPL-2.1-or-later
"""A "VMM" whose guest does not keep to doc/PROTOCOL.md. Started by hvrun-vmwp with QEMU's command line; what it does is the
case that the file at CASE names."""
import json
import re
import signal
import socket
import struct
import sys
import time

from peer import CREATE, CREDIT, DATA, DESTROY, EOF, ERROR, EXIT, HELLO, INIT, REPLY, SEED, START, Port, stream


class Guest:
    def __init__(self, argv):
        fds = dict(re.findall(r"id=(control|stream|console),fd=(\d+)", " ".join(argv)))
        self.control, self.streams, self.console = (Port(socket.socket(fileno=int(fds[n])))
                                                    for n in ("control", "stream", "console"))

    def receive(self):
        while (frame := self.control.frame()) is None:
            data = self.control.sock.recv(1 << 16)
            if not data:
                sys.exit(0)
            self.control.buffer += data
        return frame

    def expect(self, kind):
        """The next request, which must be of this kind: its id."""
        got, _, ident, _ = self.receive()
        assert got == kind, (got, kind)
        return ident

    def hello(self, body=None):
        self.control.send(HELLO, 0, body if body is not None else json.dumps({"versionMin": 1, "versionMax": 1}).encode())

    def agree(self, kind):
        self.control.send(kind, self.expect(kind), flags=REPLY)

    def refuse(self, kind, text):
        self.control.send(kind, self.expect(kind), struct.pack("<I", 5) + text, REPLY | ERROR)

    def created(self):
        self.hello()
        self.agree(SEED)
        self.agree(CREATE)

    def started(self):
        self.created()
        self.agree(START)

    def exit(self, body):
        self.streams.send(EXIT, INIT, body)

    def wait(self):
        while True:
            kind, _, _, _ = self.receive()
            if kind == DESTROY:
                sys.exit(0)


def panic(g):
    g.console.sock.sendall(b"booting\r\n\x1b[31mKernel panic - not syncing: no init\r\n")


def silent(g):
    time.sleep(60)


def garbage(g):
    g.control.sock.sendall(b"\xff" * 64)
    silent(g)


def versions(g):
    g.hello(b'{"versionMin": 5, "versionMax": 9}')
    silent(g)


def bad_hello(g):
    g.hello(b'{"versionMin": "one"}')
    silent(g)


def second_hello(g):
    g.hello()
    g.hello()
    silent(g)


def too_long(g):
    g.control.sock.sendall(struct.pack("<IHHQ", (1 << 20) + 1, HELLO, 0, 0))
    silent(g)


def unknown_request(g):
    g.hello()
    g.control.send(START, 7)
    silent(g)


def unasked_reply(g):
    g.hello()
    g.control.send(START, 7, flags=REPLY)
    silent(g)


def early_data(g):
    g.streams.send(DATA, stream(INIT, 1), b"early")
    silent(g)


def early_exit(g):
    g.hello()
    g.agree(SEED)
    g.expect(CREATE)
    g.exit(b'{"code": 0}')
    silent(g)


def refused_create(g):
    g.hello()
    g.agree(SEED)
    g.refuse(CREATE, b"no\x1b[2J\x07\nroom")
    g.wait()


def no_answer(g):
    g.hello()
    silent(g)


def exit_7(g):
    g.started()
    g.streams.send(CREDIT, stream(INIT, 0), struct.pack("<I", 0xffffffff))
    g.exit(b'{"code": 7}')
    g.wait()


def exit_before_start_is_answered(g):
    g.created()
    ident = g.expect(START)
    g.exit(b'{"code": 8}')
    time.sleep(0.3)
    g.control.send(START, ident, flags=REPLY)
    g.wait()


def killed_by_15(g):
    g.started()
    g.exit(b'{"signal": 15}')
    g.wait()


def large_code(g):
    g.started()
    g.exit(b'{"code": 256}')
    silent(g)


def two_ends(g):
    g.started()
    g.exit(b'{"code": 1, "signal": 9}')
    silent(g)


def exit_of_nobody(g):
    g.started()
    g.streams.send(EXIT, 5, b'{"code": 0}')
    silent(g)


def more_than_credit(g):
    g.started()
    for _ in range(100):
        g.streams.send(DATA, stream(INIT, 1), b"x" * (32 << 10))
    silent(g)


def data_after_eof(g):
    g.started()
    g.streams.send(EOF, stream(INIT, 1))
    g.streams.send(DATA, stream(INIT, 1), b"x")
    silent(g)


def vanishes(g):
    g.started()


def no_power_off(g):
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    g.started()
    g.exit(b'{"code": 9}')
    silent(g)


def main(case):
    globals()[case](Guest(sys.argv))
