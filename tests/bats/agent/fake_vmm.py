# SPDX-License-Identifier: LGPL-2.1-or-later
"""A "VMM" whose guest does not keep to doc/PROTOCOL.md. Started by hvrun-vmwp with QEMU's command line; what it does is the
case that the file at CASE names."""
import json
import os
import re
import select
import signal
import socket
import struct
import sys
import time

from peer import (CREATE, CREDIT, DATA, DEBUG, DESTROY, EOF, ERROR, EXEC, EXIT, FREEZE, HELLO, INIT, PROCESSES, REMOVE, REPLY, RESET, SEED,
                  SIGNAL, START, STATS, UPDATE, Port, stream)


class Guest:
    def __init__(self, argv):
        fds = dict(re.findall(r"id=(control|stream|console|qmp),fd=(\d+)", " ".join(argv)))
        self.qmp = socket.socket(fileno=int(fds["qmp"])) if "qmp" in fds else None
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

    def serve(self, answers):
        """Answers requests by a table of bodies; those that are not in it never."""
        while True:
            kind, _, ident, _ = self.receive()
            if kind == DESTROY:
                sys.exit(0)
            if kind in answers:
                self.control.send(kind, ident, answers[kind], REPLY)


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


def bad_flags(g):
    g.control.send(HELLO, 0, b"{}", flags=4)
    silent(g)


def deep_json(g):
    g.hello(b'{"versionMin": 1, "versionMax": 1, "x": ' + b"[" * 100000 + b"]" * 100000 + b"}")
    silent(g)


def answer_twice(g):
    g.hello()
    ident = g.expect(SEED)
    g.control.send(SEED, ident, flags=REPLY)
    g.control.send(SEED, ident, flags=REPLY)
    silent(g)


def answer_of_another_kind(g):
    g.hello()
    g.control.send(CREATE, g.expect(SEED), flags=REPLY)
    silent(g)


def answer_before_request(g):
    g.hello()
    g.control.send(CREATE, g.expect(SEED) + 1, flags=REPLY)
    silent(g)


def exit_twice(g):
    g.started()
    g.exit(b'{"code": 7}')
    g.exit(b'{"code": 8}')
    g.wait()


def too_long_data(g):
    g.started()
    g.streams.sock.sendall(struct.pack("<IHHQ", (32 << 10) + 1, DATA, 0, stream(INIT, 1)))
    silent(g)


def half_a_frame(g):
    g.started()
    g.streams.sock.sendall(struct.pack("<IHHQ", 11, EXIT, 0, INIT) + b'{"code"')


def credit_of_3_bytes(g):
    g.started()
    g.streams.send(CREDIT, stream(INIT, 0), b"abc")
    silent(g)


def data_to_stdin(g):
    g.started()
    g.streams.send(DATA, stream(INIT, 0), b"x")
    silent(g)


def data_of_nobody(g):
    g.started()
    g.streams.send(DATA, stream(9, 1), b"x")
    silent(g)


def credit_for_stdout(g):
    g.started()
    g.streams.send(CREDIT, stream(INIT, 1), struct.pack("<I", 1))
    silent(g)


def reply_on_streams(g):
    g.started()
    g.streams.send(DATA, stream(INIT, 1), b"x", flags=REPLY)
    silent(g)


def exit_of_0(g):
    g.started()
    g.streams.send(EXIT, 0, b'{"code": 0}')
    silent(g)


def exit_of_a_large_number(g):
    g.started()
    g.streams.send(EXIT, (1 << 32) + INIT, b'{"code": 0}')
    silent(g)


def start_unanswered(g):
    g.created()
    g.wait()


def exit_but_no_answer(g):
    g.created()
    g.expect(START)
    g.exit(b'{"code": 3}')
    silent(g)


# The following are for test-hostile, which asks more of them.


def answers_nothing(g):
    g.started()
    silent(g)


def lies(g):
    """Of processes of the host's, in texts for a terminal, in numbers out of range, on more lines than one."""
    g.started()
    row = b'{"pid": ' + b"%d" % g.claims[0] + b', "ppid": 0, "uid": 0, "cpu": 99, "started": 9223372036854775807, "time": 9223372036854775807, "tty": "\u001b[2J", "command": "%s"}'
    g.serve({SIGNAL: b"", FREEZE: b"", UPDATE: b"",
             PROCESSES: b'{"processes": [' + row % b"\u001b]0;title\u0007\\n\xc2\x9b2J" + b"," + row % (b"x" * 100000) + b"]}",
             STATS: b'{"pids":\n{"current": 1}}'})


def nonsense(g):
    g.started()
    g.serve({PROCESSES: b"[]", STATS: b'{"pids": "many"}', EXEC: b"\xff" * (1 << 20)})


def floods(g):
    """All that is no violation, as fast as it goes and without ever reading."""
    g.started()
    burst = b""
    for _ in range(100):
        burst += struct.pack("<IHHQI", 4, CREDIT, 0, stream(INIT, 0), 0xffffffff)
        burst += struct.pack("<IHHQI", 4, CREDIT, 0, stream(77, 0), 1) + struct.pack("<IHHQ", 0, RESET, 0, stream(78, 0))
    burst += struct.pack("<IHHQ", 32 << 10, DATA, 0, stream(INIT, 1)) + b"x" * (32 << 10)
    while True:
        g.console.sock.sendall(b"y" * 5000)
        g.streams.sock.sendall(burst)


def output_behind_the_end(g):
    """More than the pipe of its reader, who does not read, takes."""
    g.started()
    for _ in range(4):
        g.streams.send(DATA, stream(INIT, 1), b"x" * (32 << 10))
    g.exit(b'{"code": 0}')
    g.serve({})


def takes_no_program(g):
    """It says that a program runs of which it has not read a byte, and how it ended."""
    g.started()
    g.agree(DEBUG)
    for which in (1, 2):
        g.streams.send(EOF, stream(2, which))
    g.streams.send(EXIT, 2, b'{"code": 5}')
    g.streams.send(CREDIT, stream(2, 3), struct.pack("<I", 0xffffffff))
    g.serve({})


def sends_a_program(g):
    g.started()
    ident = g.expect(DEBUG)
    g.streams.send(CREDIT, stream(2, 3), struct.pack("<I", 0xffffffff))
    g.streams.send(DATA, stream(2, 3), b"x")
    g.control.send(DEBUG, ident, flags=REPLY)
    silent(g)


def keeps_disks(g):
    """All is well but that no member is ever removed. The VMM is no guest: what its monitor asks is done."""
    media, said = {}, b""
    g.hello()
    while True:
        if not g.control.buffer and g.qmp in select.select([g.control.sock, g.qmp], [], [])[0]:
            data, fds, _, _ = socket.recv_fds(g.qmp, 1 << 16, 1)
            *lines, said = (said + data).split(b"\n")
            for command in map(json.loads, lines):
                if command["execute"] == "add-fd":
                    media[command["arguments"]["fdset-id"]] = fds.pop()
                elif command["execute"] == "remove-fd":
                    os.close(media.pop(command["arguments"]["fdset-id"]))
                g.qmp.sendall(json.dumps({"return": {}, "id": command["id"]}).encode() + b"\n")
            continue
        kind, _, ident, _ = g.receive()
        if kind == DESTROY:
            sys.exit(0)
        if kind != REMOVE:
            g.control.send(kind, ident, flags=REPLY)


def main(case, claims=()):
    guest = Guest(sys.argv)
    guest.claims = claims
    globals()[case](guest)
