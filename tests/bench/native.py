# SPDX-License-Identifier: LGPL-2.1-or-later
"""The native type beside its peers: verbs, caches, how cost grows, parallel starts, memory, stdio."""
import json
import shutil
import subprocess
import time
from functools import partial

import setups
from columns import Floor, fail, measure_in_turn

EXIT = ["/init", "exit", "0"]
WAIT = ["/init", "pause"]
LIFE = [["create", "b{}"], ["start", "b{}"], ["delete", "--force", "b{}"]]
KILL = LIFE[:2] + [["kill", "b{}", "KILL"]] + LIFE[2:]
EXEC = [["exec", "up", *EXIT]]
RM = shutil.which("rm") or "/bin/rm"

# name, what the container's process does, commands of a cycle, which of them counts (None: all), in a container that is there already
CASES = [
    ("run", EXIT, [["run", "b{}"]], 0, False),
    ("create", WAIT, LIFE, 0, False),
    ("start", WAIT, LIFE, 1, False),
    ("state", WAIT, [["state", "up"]], 0, True),
    ("kill", WAIT, KILL, 2, False),
    ("delete", WAIT, LIFE, 2, False),
    ("cycle", WAIT, LIFE, None, False),
    ("exec", WAIT, EXEC, 0, True),
]
COLD = ("run", "cycle", "exec")  # also without what a runtime keeps of a seccomp profile


def without_cache(column, commands, which):
    """The same with the cache removed before each, which does not count."""
    return [[RM, "-rf", column.cache]] + commands, which + 1


def measure_case(bench, case, configuration, cold):
    name, args, commands, which, needs_up = case
    label = configuration + ("-exit" if args is EXIT else "-wait")
    bundle = bench.bundles.get(label, setups.CONFIGURATIONS[configuration], args)
    columns = list(bench.natives)
    jobs = {}
    for column in columns:
        if needs_up:
            column.call("run", "-d", "up", cwd=bundle)
        if cold and which is None:  # the cycle without removing: create is what has to make the filter
            jobs[column.name] = bundle, [[RM, "-rf", column.cache]] + commands, None, 1
        else:
            jobs[column.name] = bundle, *(without_cache(column, commands, which) if cold else (commands, which)), 1
    if configuration == "bare" and name in ("run", "exec"):
        floor = Floor(bench.scratch, bench.bundles.rootfs)
        pid = json.loads(columns[0].call("state", "up"))["pid"] if needs_up else 0
        columns.append(floor)
        jobs[floor.name] = bundle, floor.exec(pid) if needs_up else floor.run(), 0, 1
    samples = measure_in_turn(columns, jobs, bench.rounds, bench.cycles)
    if needs_up:
        for column in bench.natives:
            column.call("delete", "--force", "up")
    return {column: s.figures() for column, s in samples.items()}


def measure_verbs(bench):
    for configuration in setups.CONFIGURATIONS:
        for case in CASES:
            for cold in (False, True) if case[0] in COLD and configuration != "bare" else (False,):
                key = f"{case[0]} {configuration}" + (" cold" if cold else "")
                if bench.wanted(key):
                    bench.record(key, measure_case(bench, case, configuration, cold))


def measure_list(bench):
    """list and state with so many containers below the root."""
    bundle = bench.bundles.get("bare-wait", setups.bare, WAIT)
    there = 0
    if not bench.wanted("list"):
        return
    for n in bench.sizes:
        for column in bench.natives:
            at_once = 10 if (n - there) % 10 == 0 else 1
            column.measure(bundle, [["create", f"l{there}x{{}}"]], 0, (n - there) // at_once, at_once)
        there = n
        for key, command in ((f"list {n}", ["list", "-q"]), (f"list full {n}", ["list", "-f", "json"]), (f"state of {n}", ["state", "l0x0"])):
            jobs = {c.name: (bundle, [command], 0, 1) for c in bench.natives}
            samples = measure_in_turn(bench.natives, jobs, bench.rounds, max(2, bench.cycles // 2))
            bench.record(key, {c: s.figures() for c, s in samples.items()})
            bench.curve({"list": "containers, list", "state": "containers, state"}[key.split()[0]], n, samples, key.startswith("list full"))
    for column in bench.natives:
        column.clean()


def measure_growth(bench):
    """run, by the number of mounts and of seccomp rules."""
    for kind, change in (("mounts", setups.mounts), ("rules", setups.rules)):
        if not bench.wanted(f"run {kind}"):
            continue
        for n in bench.growth:
            bundle = bench.bundles.get(f"{kind}-{n}", partial(change, n=n), EXIT)
            for cold in (False, True) if kind == "rules" else (False,):
                commands, which = [["run", "b{}"]], 0
                jobs = {c.name: (bundle, *(without_cache(c, commands, which) if cold else (commands, which)), 1) for c in bench.natives}
                samples = measure_in_turn(bench.natives, jobs, bench.rounds, max(2, bench.cycles // 2))
                bench.record(f"run {kind} {n}" + (" cold" if cold else ""), {c: s.figures() for c, s in samples.items()})
                bench.curve(kind + (", no cache" if cold else ""), n, samples)


def measure_parallel(bench):
    bundle = bench.bundles.get("bare-exit", setups.bare, EXIT)
    for n in bench.parallel:
        if bench.wanted(f"run parallel {n}"):
            jobs = {c.name: (bundle, [["run", "b{}"]], 0, n) for c in bench.natives}
            samples = measure_in_turn(bench.natives, jobs, bench.rounds, max(1, bench.cycles // n))
            bench.record(f"run parallel {n}", {c: s.figures() for c, s in samples.items()})


LIMITS = [128 << 10, 256 << 10, 384 << 10, 512 << 10, 768 << 10, 1 << 20, 2 << 20, 4 << 20, 8 << 20, 16 << 20, 32 << 20]


def measure_limit(bench):
    """The smallest memory limit with which run works three times, in KiB."""
    if not bench.wanted("memory limit"):
        return
    row = {}
    for column in bench.natives:
        for limit in LIMITS:
            bundle = bench.bundles.get(f"limit-{limit}", lambda c, n=limit: c["linux"]["resources"].update(memory={"limit": n}), EXIT)
            good = [column.call("run", "limit", cwd=bundle, check=False) is not None for _ in range(3)]
            column.call("delete", "--force", "limit", check=False)
            if all(good):
                row[column.name] = limit >> 10
                break
    bench.record_values("smallest memory limit", "KiB", row)


def stdio(column, bundle, mib):
    """MiB/s from the container's stdout to a pipe."""
    begin = time.monotonic()
    with subprocess.Popen(column.command + ["run", "flood"], cwd=bundle, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE) as p:
        n = 0
        while block := p.stdout.read(1 << 17):
            n += len(block)
    if p.returncode or n != mib << 20:
        fail(f"{column.name}: run flood: {n} bytes, status {p.returncode}")
    return mib / (time.monotonic() - begin)


def measure_stdio(bench, columns, mib):
    bundle = bench.bundles.get(f"flood-{mib}", setups.bare, ["/init", "flood", str(mib << 20)])
    row = {c.name: max(stdio(c, bundle, mib) for _ in range(3)) for c in columns}
    bench.record_values(f"stdout, {mib} MiB" + (" HyperV" if columns[-1].kind == "vm" else ""), "MiB/s", row)


def measure(bench):
    measure_verbs(bench)
    measure_list(bench)
    measure_growth(bench)
    measure_parallel(bench)
    measure_limit(bench)
    if bench.wanted("stdout"):
        measure_stdio(bench, bench.natives, bench.mib)
