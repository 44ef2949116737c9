# SPDX-License-Identifier: LGPL-2.1-or-later
"""
What the VMM and the guest's kernel cost alone: the same command line as a container's VM has, booting to an init that does nothing, or
going on from a template's state, with nobody at the other end of its channels.
"""
import array
import json
import os
import re
import resource
import shutil
import socket
import subprocess
import time

from columns import fail

DROPPED = {"-name", "-chardev", "-serial", "-mon", "-device", "-fsdev", "-netdev", "-object", "-incoming", "-kernel", "-initrd", "-sandbox"}


def children(pid):
    with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as f:
        direct = [int(word) for word in f.read().split()]
    return direct + [p for child in direct for p in children(child)]


def vmm_command(worker):
    """The command line of a worker's VMM."""
    for pid in children(worker):
        with open(f"/proc/{pid}/cmdline", "rb") as f:
            words = f.read().decode(errors="replace").split("\0")[:-1]
        if words and "qemu" in os.path.basename(words[0]):
            words[0] = shutil.which(os.path.basename(words[0])) or words[0]
            return words
    return fail(f"process {worker} has no VMM")


def pairs(words):
    """[(option, value or None)] of a VMM's command line"""
    out, i = [], 1
    while i < len(words):
        has_value = i + 1 < len(words) and not words[i + 1].startswith("-")
        out.append((words[i], words[i + 1] if has_value else None))
        i += 2 if has_value else 1
    return out


def cpio(entries):
    """An initramfs ("newc") of [(name, mode, content)]."""
    out = bytearray()
    for i, (name, mode, data) in enumerate(entries + [("TRAILER!!!", 0, b"")]):
        fields = [i + 1, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(name) + 1, 0]
        out += b"070701" + b"".join(b"%08X" % n for n in fields) + name.encode() + b"\0"
        out += b"\0" * (-len(out) % 4)
        out += data
        out += b"\0" * (-len(out) % 4)
    return bytes(out)


def cold_command(words, guest, load, scratch):
    """The same machine, booting to an init that ends it at once."""
    initrd = os.path.join(scratch, "floor.img")
    with open(load, "rb") as f:
        init = f.read()
    with open(initrd, "wb") as f:
        f.write(cpio([("dev", 0o40755, b""), ("init", 0o100755, init)]))
    command = [words[0]]
    for option, value in pairs(words):
        if option not in DROPPED:
            command += [option] + ([value] if value is not None else [])
    return command + ["-kernel", os.path.join(guest, "vmlinux"), "-initrd", initrd]


def cpu_of_children():
    u = resource.getrusage(resource.RUSAGE_CHILDREN)
    return (u.ru_utime + u.ru_stime) * 1e6


class Clone:
    """A VMM that goes on from a template; measured from its execution until it says that it runs."""

    def __init__(self, words, template, share):
        self.words, self.template, self.share = words, template, share

    def command(self, fds):
        """The VMM's words with descriptors of ours: fds[number in them] = (ours, theirs)"""
        out = [self.words[0]]
        for option, value in pairs(self.words):
            if value is not None:
                value = re.sub(r"mem-path=[^,]*", f"mem-path={self.template}/mem", value)
                value = re.sub(r"^(local,id=share,path=)[^,]*", rf"\g<1>{self.share}", value)
                match = re.search(r"^socket,id=(\w+),fd=(\d+)$", value)
                if match:
                    fds[match[1]] = socket.socketpair()
                    value = f"socket,id={match[1]},fd={fds[match[1]][1].fileno()}"
            out += [option] + ([value] if value is not None else [])
        return out

    def measure(self):
        """(wall, cpu, 0) in µs"""
        fds = {}
        command = self.command(fds)
        cpu, begin = cpu_of_children(), time.monotonic()
        vmm = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, pass_fds=[b.fileno() for _, b in fds.values()])
        try:
            self.load(fds["qmp"][0])
            wall = time.monotonic() - begin
        finally:
            vmm.kill()
            vmm.wait()
            for a, b in fds.values():
                a.close()
                b.close()
        return wall * 1e6, cpu_of_children() - cpu, 0

    def load(self, qmp):
        stream = qmp.makefile("r", encoding="utf-8")

        def await_message(wanted):
            for text in stream:
                message = json.loads(text)
                if "error" in message:
                    fail(f"the VMM alone: {message['error']}")
                if wanted(message):
                    return
            fail("the VMM alone ended early")

        def ask(name, arguments=None, fd=None):
            text = json.dumps({"execute": name, "arguments": arguments or {}}).encode() + b"\n"
            rights = [] if fd is None else [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [fd]))]
            qmp.sendmsg([text], rights)
            await_message(lambda m: "return" in m)

        await_message(lambda m: "QMP" in m)
        ask("qmp_capabilities")
        ask("migrate-set-capabilities", {"capabilities": [{"capability": c, "state": True} for c in ("x-ignore-shared", "events")]})
        with open(os.path.join(self.template, "state"), "rb") as state:
            ask("getfd", {"fdname": "state"}, state.fileno())
        ask("migrate-incoming", {"uri": "fd:state"})
        await_message(lambda m: m.get("event") == "RESUME")


def private_kib(pid):
    """What memory a process has to itself. Not Private_*: a page of the template that only one maps just now is no cost of its."""
    with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as f:
        return sum(int(line.split()[1]) for line in f if line.startswith("Anonymous:"))
