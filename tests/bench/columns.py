# SPDX-License-Identifier: LGPL-2.1-or-later
"""What is measured: a runtime's command line with a state root of its own, or the floor program."""
import os
import statistics
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

BIN = os.environ.get("HVTEST_BIN", ".")
SPAWN = os.path.join(BIN, "bench", "spawn")
FLOOR = os.path.join(BIN, "bench", "floor")


class Samples:
    """Times of one command in µs, from all rounds."""

    def __init__(self):
        self.wall, self.cpu, self.rss = [], [], 0

    def add(self, wall, cpu, rss):
        self.wall.append(wall)
        self.cpu.append(cpu)
        self.rss = max(self.rss, rss)

    def figures(self):
        wall = sorted(self.wall)
        return {"n": len(wall), "median_us": statistics.median(wall), "min_us": wall[0], "p10_us": wall[len(wall) // 10],
                "p90_us": wall[len(wall) * 9 // 10], "cpu_median_us": statistics.median(self.cpu), "rss_kib": self.rss}


def fail(message):
    sys.exit(f"bench: {message}")


class Column:
    """kind: "native", "vm" or "floor"."""

    def __init__(self, name, command, scratch, kind="native"):
        self.name, self.kind = name, kind
        self.log = os.path.join(scratch, "log")
        self.root = os.path.join(scratch, "root-" + name.replace(" ", "-"))
        self.command = command + ["--root", self.root]
        self.cache = os.path.join(self.root, ".cache")

    def new_log(self):
        """A file for the output: a container that stays would hold a pipe open. A new one: it may go on writing to the last."""
        if os.path.exists(self.log):
            os.unlink(self.log)
        return open(self.log, "w+", encoding="utf-8", errors="replace")

    def call(self, *args, cwd=None, check=True):
        """One call that is not measured. Returns its output, or None when it failed and need not work."""
        with self.new_log() as f:
            done = subprocess.run(self.command + list(args), cwd=cwd, stdin=subprocess.DEVNULL, stdout=f, stderr=f, check=False)
            f.seek(0)
            text = f.read()
        if done.returncode and check:
            fail(f"{self.name} {' '.join(args)}: {text.strip()}")
        return None if done.returncode else text

    def clean(self):
        """Deletes all containers: also what a run that failed has left."""
        def delete(name):
            subprocess.run(self.command + ["delete", "--force", name], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                           stderr=subprocess.DEVNULL, check=False)

        names = (self.call("list", "-q", check=False) or "").split() if os.path.isdir(self.root) else []
        with ThreadPoolExecutor(10) as pool:
            list(pool.map(delete, names))

    def measure(self, cwd, commands, which, cycles, parallel=1):
        """Commands are lists of arguments of the runtime; one that begins with "/" is a program of its own. which: the command that
        counts, or None for the cycle. Returns [(wall, cpu, rss)]."""
        line = [SPAWN, "-p", str(parallel), str(cycles)]
        for i, command in enumerate(commands):
            line += (["--"] if i else []) + (command if command[0].startswith("/") else self.command + command)
        with self.new_log() as log:
            done = subprocess.run(line, cwd=cwd, stdout=subprocess.PIPE, stderr=log, check=False, text=True)
            log.seek(0)
            if done.returncode:
                fail(f"{self.name}: {' '.join(commands[0])}: {log.read().strip()}")
        rows = []
        for text in done.stdout.splitlines():
            n = [float(word) for word in text.split()]
            walls, cpus, rss = n[0:-1:3], n[1:-1:3], n[2:-1:3]
            rows.append((sum(walls), n[-1], max(rss)) if which is None else (walls[which], cpus[which], rss[which]))
        return rows


class Floor(Column):
    """The kernel's calls alone, for a container in a group of its own name below each hierarchy's root."""

    def __init__(self, scratch, rootfs):
        super().__init__("floor", [FLOOR], scratch, "floor")
        self.rootfs = rootfs
        self.parents = cgroup_mounts()

    def run(self):
        return [[FLOOR, "run", self.rootfs, "bench-floor{}", *self.parents.values(), ":", "/init", "exit", "0"]]

    def exec(self, pid):
        """Beside a container's process, in its groups."""
        groups = own_groups(pid)
        directories = [os.path.join(self.parents[c], os.path.dirname(groups[c].lstrip("/"))) for c in self.parents]
        name = os.path.basename(next(iter(groups.values())))
        return [[FLOOR, "exec", str(pid), name, *directories, ":", "/init", "exit", "0"]]


def own_groups(pid):
    """controllers → path"""
    with open(f"/proc/{pid}/cgroup", encoding="utf-8") as f:
        return {line.split(":")[1]: line.rstrip("\n").split(":", 2)[2] for line in f}


def cgroup_mounts():
    """controllers, as /proc/PID/cgroup has them → where their hierarchy is mounted"""
    known = own_groups("self")
    found = {}
    with open("/proc/self/mountinfo", encoding="utf-8") as f:
        for line in f:
            head, tail = line.split(" - ")
            kind, _, options = tail.split()[:3]
            if kind == "cgroup2":
                found[""] = head.split()[4]
            elif kind == "cgroup":
                for controllers in known:
                    if controllers and set(controllers.split(",")) <= set(options.split(",")):
                        found[controllers] = head.split()[4]
    return found


def measure_in_turn(columns, jobs, rounds, cycles):
    """jobs: column → (cwd, commands, which, parallel). Each round measures all of them, in another order, so that a noisy moment hits
    all alike. Returns column → Samples."""
    samples = {c.name: Samples() for c in columns}
    for i in range(rounds):
        turn = columns[i % len(columns):] + columns[:i % len(columns)]
        for column in turn:
            cwd, commands, which, parallel = jobs[column.name]
            for row in column.measure(cwd, commands, which, cycles, parallel):
                samples[column.name].add(*row)
    return samples
