# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck disable=SC2015,SC2016,SC2153,SC2154 # jq programs, and names that lib.bash sets
# linux.namespaces and the id mappings: runtime-spec config-linux.md, "Namespaces".

load lib

namespace_without()
{
	config "del(.linux.namespaces[] | select(.type == \"$1\"))"
}

@test "each namespace of the standard configuration is a new one" {
	config '.linux.namespaces = ([.linux.namespaces[].type] + ["cgroup"] | unique | map({type: .}))'
	checks namespaces , ls-proc
	run_ok
	for name in cgroup ipc mnt net pid uts; do
		inside=$(grep -xE "ns $name: $name:\[[0-9]+\]" <<<"$output" | cut -d' ' -f3)
		[ -n "$inside" ]
		# the number may be the same where the kernel is another one
		is_hyperv || [ "$inside" != "$(readlink "/proc/self/ns/$name")" ] || fail "$name is the host's"
	done
	same "$(grep -c '^pid ' <<<"$output")" 1 "processes inside"
	has 'pid 1: init'
}

@test "a namespace that is not listed is the runtime's own" {
	not_hyperv "the runtime's namespaces are in another kernel than the container"
	namespace_without ipc
	namespace_without network
	namespace_without uts
	config 'del(.hostname)'
	checks namespaces
	run_ok
	for name in ipc net uts; do
		has "ns $name: $(readlink "/proc/self/ns/$name" | sed 's/[][]/\\&/g')"
	done
}

@test "a container that sees the machine's processes: the first one is no init of a container's" {
	only_hyperv "the host's first process is whatever it is"
	namespace_without pid
	checks read /proc/1/comm
	run_ok
	has 'read /proc/1/comm: 12 bytes, hvrun-agent'
}

@test "a namespace with a path is joined" {
	not_hyperv "a namespace of the host's kernel cannot be joined from a machine of its own"
	# in the background: one that holds the namespaces
	process /bin/init pause
	background "$ID-a"
	pid=$(container_pid "$ID-a")
	config '.linux.namespaces = (.linux.namespaces | map(if .type == "mount" or .type == "cgroup" then . else . + {path: ("/proc/" + $pid + "/ns/" + {network: "net", pid: "pid", ipc: "ipc", uts: "uts"}[.type])} end))
		| del(.hostname)' --arg pid "$pid"
	checks namespaces , ls-proc , hostname
	run_ok
	for name in ipc net pid uts; do
		has "ns $name: $(readlink "/proc/$pid/ns/$name" | sed 's/[][]/\\&/g')"
	done
	same "$(grep -c '^pid ' <<<"$output")" 2 "processes in the shared namespace"
	is_state "$ID-a" running
}

@test "the path of another kind of namespace, or of none, is refused" {
	not_hyperv "a namespace of the host's kernel cannot be joined from a machine of its own"
	before=$(snapshot)
	config '.linux.namespaces |= map(if .type == "ipc" then . + {path: "/proc/self/ns/uts"} else . end)'
	try hv run "$ID"
	status_is 1
	config '.linux.namespaces |= map(if .type == "ipc" then . + {path: "/no/such/namespace"} else . end)'
	try hv run "$ID"
	status_is 1
	errors_have "/no/such/namespace"
	machine_unchanged "$before"
}

@test "a namespace named twice, and an unknown type, are refused" {
	before=$(snapshot)
	config '.linux.namespaces += [{"type": "pid"}]'
	try hv run "$ID"
	status_is 1
	errors_have pid
	config '.linux.namespaces = [{"type": "pid"}, {"type": "pidd"}]'
	try hv run "$ID"
	status_is 1
	errors_have pidd
	machine_unchanged "$before"
}

@test "user namespace: ids are mapped, root inside is nobody special outside" {
	chown -R 100000:100000 rootfs
	chmod 755 "$SCRATCH" "$BUNDLE"
	config '.linux.namespaces += [{"type": "user"}] | .root.readonly = false
		| .linux.uidMappings = [{"containerID": 0, "hostID": 100000, "size": 65536}]
		| .linux.gidMappings = [{"containerID": 0, "hostID": 100000, "size": 65536}]'
	checks ids , namespaces , read /proc/self/uid_map , write /tmp/by-root , stat /tmp/by-root /bin/init , write /proc/sys/kernel/hostname
	run_ok
	has 'uid: 0 0' 'gid: 0 0' 'read /proc/self/uid_map: .* +0 +100000 +65536' 'write /tmp/by-root: ok' 'stat /tmp/by-root: file 0644 0 0' \
		'stat /bin/init: file 0755 0 0'
	same "$(stat -c '%u:%g' rootfs/tmp/by-root)" 100000:100000 "owner on the host"
}

@test "a host whose mounts are shared, as systemd's are, gets none of the container's" {
	not_hyperv "the container's mounts are in a machine of its own"
	chown -R 100000:100000 rootfs
	chmod 755 "$SCRATCH" "$BUNDLE"
	checks ids
	for user in no yes; do
		[ $user = no ] || config '.linux.namespaces += [{"type": "user"}]
			| .linux.uidMappings = [{"containerID": 0, "hostID": 100000, "size": 65536}]
			| .linux.gidMappings = [{"containerID": 0, "hostID": 100000, "size": 65536}]'
		try unshare -m --propagation shared bash -c '"$@" && ! grep -F "$HVTEST_TAG" /proc/self/mountinfo' run "${HV[@]}" run "$ID"
		status_is 0
		has 'uid: 0 0'
	done
}

@test "mappings without a user namespace are refused" {
	only_hvrun
	before=$(snapshot)
	config '.linux.uidMappings = [{"containerID": 0, "hostID": 100000, "size": 65536}]'
	try hv run "$ID"
	status_is 1
	errors_have "user namespace|uidMappings|user"
	machine_unchanged "$before"
}

@test "the network namespace has its own loopback, and none of the host's links" {
	process /bin/init all list /sys/class/net , read /proc/net/dev
	run_ok
	has 'entry /sys/class/net: lo'
	has 'list /sys/class/net: [1-9] entries'
	lacks 'entry /sys/class/net: (eth|ens|enp|docker|tap)'
}

@test "sysctls of the container's namespaces" {
	config '.linux.sysctl = {"kernel.msgmax": "12345", "net.ipv4.ip_forward": "1"}'
	before=$(sysctl -n kernel.msgmax)
	checks read /proc/sys/kernel/msgmax /proc/sys/net/ipv4/ip_forward
	run_ok
	has 'read /proc/sys/kernel/msgmax: .* 12345' 'read /proc/sys/net/ipv4/ip_forward: .* 1'
	same "$(sysctl -n kernel.msgmax)" "$before" "the host's msgmax"
	config '.linux.sysctl = {"vm.swappiness": "1"}'
	try hv run "$ID"
	status_is 1
	errors_have "vm.swappiness"
}
