# SPDX-License-Identifier: LGPL-2.1-or-later
"""The type HyperV, beside runc and beside what the VMM and the guest's kernel cost alone."""
import json
import os
import statistics
import subprocess

import machines
import setups
from columns import BIN, Column, Samples, fail, measure_in_turn
from native import EXEC, EXIT, LIFE, WAIT, measure_stdio

LOAD = os.path.join(BIN, "bench", "load")
NETNS, OURS, THEIRS, PORT, MIB_OF_TCG = "hvrun-bench", "10.213.0.1", "10.213.0.2", 7100, 32


def settings(bench, name, hyperv):
    path = os.path.join(bench.scratch, name + ".json")
    with open(path, "w", encoding="utf-8") as f:
        json.dump({"hyperv": hyperv}, f)
    return path


class Vm(Column):
    def __init__(self, bench, name, hyperv):
        command = [bench.hvrun, "--runtime-type", "HyperV", "--vm-accel", bench.accel, "--config-file", settings(bench, f"{name.replace(' ', '-')}-{len(bench.vms)}", hyperv)]
        super().__init__(name, command, bench.scratch, "vm")
        bench.vms.append(self)

    def worker(self, name):
        return json.loads(self.call("state", name))["pid"]


def with_container(column, bundle, work):
    column.call("run", "-d", "up", cwd=bundle)
    try:
        return work()
    finally:
        column.call("delete", "--force", "up")


def beside(samples, name, measured, n):
    """A floor that is no column: its samples beside the others."""
    samples[name] = Samples()
    for _ in range(n):
        samples[name].add(*measured())


def measure_run(bench, vm, runc):
    bundle = bench.bundles.get("bare-exit", setups.bare, EXIT)
    wait = bench.bundles.get("bare-wait", setups.bare, WAIT)
    vm.call("run", "first", cwd=bundle)  # makes the template
    words = with_container(vm, wait, lambda: machines.vmm_command(vm.worker("up")))
    store = os.path.join(bench.scratch, "templates")
    template = next(os.path.join(store, d) for d in os.listdir(store) if os.path.exists(os.path.join(store, d, "meta.json")))
    clone = machines.Clone(words, template, bench.bundles.volumes)
    columns = [vm] + runc
    jobs = {c.name: (bundle, [["run", "b{}"]], 0, 1) for c in columns}
    samples = measure_in_turn(columns, jobs, bench.rounds, bench.vm_cycles)
    beside(samples, "floor", clone.measure, bench.rounds * bench.vm_cycles)
    bench.record("HyperV run", {c: s.figures() for c, s in samples.items()})
    jobs = {c.name: (wait, LIFE, None, 1) for c in columns}
    samples = measure_in_turn(columns, jobs, bench.rounds, bench.vm_cycles)
    bench.record("HyperV cycle", {c: s.figures() for c, s in samples.items()})


def measure_cold(bench):
    vm = Vm(bench, "hvrun HyperV", {"template": False})
    bundle = bench.bundles.get("bare-exit", setups.bare, EXIT)
    wait = bench.bundles.get("bare-wait", setups.bare, WAIT)
    words = with_container(vm, wait, lambda: machines.vmm_command(vm.worker("up")))
    command = machines.cold_command(words, bench.guest, LOAD, bench.scratch)
    floor = Column("floor", ["/"], bench.scratch, "floor")
    jobs = {vm.name: (bundle, [["run", "b{}"]], 0, 1), floor.name: (bundle, [command], 0, 1)}
    samples = measure_in_turn([vm, floor], jobs, bench.rounds, max(1, bench.vm_cycles // 3))
    bench.record("HyperV cold", {c: s.figures() for c, s in samples.items()})


def measure_exec(bench, vm, runc):
    wait = bench.bundles.get("bare-wait", setups.bare, WAIT)
    columns = [vm] + runc
    for c in columns:
        c.call("run", "-d", "up", cwd=wait)
    samples = measure_in_turn(columns, {c.name: (wait, EXEC, 0, 1) for c in columns}, bench.rounds, bench.vm_cycles)
    for c in columns:
        c.call("delete", "--force", "up")
    bench.record("HyperV exec", {c: s.figures() for c, s in samples.items()})


def measure_memory(bench, vm):
    wait = bench.bundles.get("bare-wait", setups.bare, WAIT)
    names = [f"m{i}" for i in range(bench.clones)]
    for name in names:
        vm.call("run", "-d", name, cwd=wait)
    kib = [sum(machines.private_kib(p) for p in [worker] + machines.children(worker)) for worker in map(vm.worker, names)]
    for name in names:
        vm.call("delete", "--force", name)
    bench.record_values("HyperV memory per clone", "MiB", {vm.name: statistics.median(kib) / 1024})


def measure_parallel(bench, vm):
    wait = bench.bundles.get("bare-wait", setups.bare, WAIT)
    n = bench.clones
    rows = [row for _ in range(bench.rounds) for row in vm.measure(wait, [["create", "b{}"], ["delete", "--force", "b{}"]], 0, 1, n)]
    bench.record_values("HyperV clones per second", "1/s", {vm.name: n / (statistics.median(r[0] for r in rows) / 1e6)})


def exec_load(column, *words):
    return float(column.call("exec", "up", "/load", *words))


def measure_files(bench, columns, mib):
    """A bind mount's file, written (with fsync) and read by a container."""
    def change(config):
        setups.bare(config)
        config["mounts"].append({"destination": "/data", "type": "bind", "source": bench.bundles.volumes, "options": ["rbind", "rw"]})

    bundle = bench.bundles.get("files", change, WAIT)
    for verb in ("write", "read"):
        row = {}
        for column in columns:
            row[column.name] = with_container(column, bundle, lambda c=column, v=verb: max(exec_load(c, v, "/data/file", str(mib)) for _ in range(3)))
        bench.record_values(f"file {verb}, {mib} MiB", "MiB/s", row)


def ip(*words):
    done = subprocess.run(["ip", *words], stderr=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        fail(f"ip {' '.join(words)}: {done.stderr.strip()}")


def make_network():
    ip("netns", "add", NETNS)
    ip("link", "add", "bench0", "type", "veth", "peer", "name", "eth0", "netns", NETNS)
    ip("address", "add", OURS + "/24", "dev", "bench0")
    ip("link", "set", "bench0", "up")
    ip("-n", NETNS, "address", "add", THEIRS + "/24", "dev", "eth0")
    ip("-n", NETNS, "link", "set", "eth0", "up")


def send(column, mib):
    with subprocess.Popen([LOAD, "receive", str(PORT)], stdout=subprocess.DEVNULL) as receiver:
        speed = exec_load(column, "send", OURS, str(PORT), str(mib))
        if receiver.wait():
            fail("load receive failed")
    return speed


def measure_network(bench, columns, mib):
    """TCP from a container, over a veth pair, to us."""
    def change(config):
        setups.bare(config)
        for n in config["linux"]["namespaces"]:
            if n["type"] == "network":
                n["path"] = f"/run/netns/{NETNS}"

    make_network()
    bundle = bench.bundles.get("network", change, WAIT)
    row = {c.name: with_container(c, bundle, lambda c=c: max(send(c, mib) for _ in range(3))) for c in columns}
    bench.record_values(f"TCP, {mib} MiB", "MiB/s", row)
    ip("netns", "delete", NETNS)


def measure(bench):
    vm = Vm(bench, "hvrun HyperV", {"template_dir": os.path.join(bench.scratch, "templates")})
    hvrun = bench.natives[0]
    runc = [c for c in bench.natives if c.name == "runc"]
    mib = bench.mib if bench.accel == "kvm" else min(bench.mib, MIB_OF_TCG)
    for key, work in (
            ("HyperV run", lambda: measure_run(bench, vm, runc)),
            ("HyperV cold", lambda: measure_cold(bench)),
            ("HyperV exec", lambda: measure_exec(bench, vm, runc)),
            ("HyperV memory", lambda: measure_memory(bench, vm)),
            ("HyperV clones", lambda: measure_parallel(bench, vm)),
            ("HyperV stdout", lambda: measure_stdio(bench, [hvrun, vm], mib)),
            ("HyperV files", lambda: measure_files(bench, [hvrun, vm], mib)),
            ("HyperV network", lambda: measure_network(bench, [hvrun, vm], mib))):
        if bench.wanted(key):
            work()
