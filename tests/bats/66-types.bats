# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# shellcheck disable=SC2015,SC2016,SC2153,SC2154 # jq programs, and names that lib.bash sets
# What one runtime type can do and the other cannot is refused by the other, by name and before anything is made: nothing that somebody
# asks for is dropped.

load lib

setup_test()
{
	only_hvrun
}

# Lines "TEXT|PROGRAM" on stdin: with the configuration so edited, create is refused with that text.
refuses()
{
	local text program before
	cp config.json plain.json
	before=$(snapshot)
	while IFS='|' read -r text program; do
		cp plain.json config.json
		config "$program"
		try hv create "$ID"
		refused "$text" && machine_unchanged "$before" || fail "with $program" || return 1
	done
}

@test "HyperV: what is of the host's kernel is refused" {
	only_hyperv "it is the same kernel"
	refuses <<-'EOF'
		namespaces\[.*path: the pid namespace "/proc/1/ns/pid" cannot be joined|(.linux.namespaces[] | select(.type == "pid")).path = "/proc/1/ns/pid"
		namespaces\[.*path: the ipc namespace "/proc/1/ns/ipc" cannot be joined|(.linux.namespaces[] | select(.type == "ipc")).path = "/proc/1/ns/ipc"
		cannot share the host's network|.linux.namespaces -= [{"type": "network"}]
		linux.netDevices: "eth7" cannot be moved|.linux.netDevices = {"eth7": {}}
		annotation run.oci.hooks.stderr: hooks.startContainer run in the virtual machine|.annotations = {"run.oci.hooks.stderr": "/dev/null"} | .hooks.startContainer = [{"path": "/bin/true"}]
		annotation run.oci.keep_original_groups: the caller's groups are the host's|.annotations = {"run.oci.keep_original_groups": "1"}
		linux.intelRdt: .* runtime type Default has them|.linux.intelRdt = {"closID": "gold"}
		syscalls\[0\]: seccomp notify unsupported|.linux.seccomp = {"defaultAction": "SCMP_ACT_ALLOW", "listenerPath": "/x", "syscalls": [{"names": ["mkdir"], "action": "SCMP_ACT_NOTIFY"}]}
	EOF
}

@test "Default: what only a virtual machine can do is refused" {
	not_hyperv "it can"
	refuses <<-'EOF'
		vm|.annotations["io.hvrun.runtime-type"] = "Default" | .vm = {"kernel": {"path": "/boot/vmlinux"}}
		windows.hyperv|.annotations["io.hvrun.runtime-type"] = "Default" | .windows = {"layerFolders": ["x"], "hyperv": {}}
	EOF
}
