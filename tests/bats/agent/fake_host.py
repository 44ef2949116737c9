# SPDX-License-Identifier: LGPL-2.1-or-later
"""A bundle whose virtual machine is fake_vmm.py, and what a container may leave behind: for test-worker and test-hostile."""
import glob
import json
import os
import sys

from peer import config, rootfs

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.environ.get("top_builddir", ".")


def make_vmm(directory, case, claims):
    path = os.path.join(directory, "vmm")
    with open(path, "w", encoding="utf-8") as f:
        f.write(f"#!{sys.executable}\nimport sys\nsys.dont_write_bytecode = True\nsys.path.insert(0, {HERE!r})\n"
                f"import fake_vmm\nfake_vmm.main({case!r}, {claims!r})\n")
    os.chmod(path, 0o755)
    return path


def make_bundle(directory, case, claims=()):
    rootfs(os.path.join(directory, "rootfs"))
    kernel = os.path.join(directory, "kernel")
    with open(kernel, "wb") as f:
        f.write(b"\x7fELF")
    settings = {"hyperv": {"vmm_path": make_vmm(directory, case, claims), "boot_timeout": 2, "kernel": kernel, "initrd": kernel,
                           "accel": "tcg", "template": False, "debug_shell": ["/bin/busybox"], "vmm_files": ["/usr", "/bin", "/lib", "/lib64", HERE, sys.prefix, sys.executable]}}
    for name, content in (("config.json", config("rootfs", "true")), ("hvrun.json", settings)):
        with open(os.path.join(directory, name), "w", encoding="utf-8") as f:
            json.dump(content, f)


def leftovers(directory, ident):
    left = os.listdir(os.path.join(directory, "run"))
    left += [d for d in glob.glob(f"/sys/fs/cgroup/**/{ident}", recursive=True)]
    for path in glob.glob("/proc/[0-9]*/cmdline"):
        try:
            with open(path, "rb") as f:
                if ident.encode() in f.read() and int(path.split("/")[2]) != os.getpid():
                    left.append(path)
        except OSError:
            pass
    return left
