# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck disable=SC2015,SC2016,SC2034,SC2153,SC2154 # jq programs, and names that the libraries set and use
# runtime-spec 1.3.0 config-linux.md, "Namespaces" and "User namespace mappings".

load spec

# The namespace of the host's kernel that a process has: "ns NAME PID"
ns()
{
	readlink "/proc/$2/ns/$1" | sed 's/[][]/\\&/g'
}

@test "config-linux.md#namespaces: type is required" {
	required 'linux.namespaces[0].type'
}

@test "config-linux.md#namespaces: a path is absolute" {
	config '.linux.namespaces |= map(if .type == "ipc" then . + {"path": "proc/self/ns/ipc"} else . end)'
	invalid 'linux.namespaces\[[0-9]\]'
}

@test "config-linux.md#namespaces: the process is in the namespace at path" {
	not_hyperv "a namespace of the host's kernel cannot be joined from a machine of its own"
	paused
	pid=$(container_pid "$ID")
	config '.linux.namespaces |= map(if .type == "ipc" then . + {"path": $path} else . end)' --arg path "/proc/$pid/ns/ipc"
	checks namespaces
	try hv run "$ID-b"
	status_is 0
	has "ns ipc: $(ns ipc "$pid")"
}

@test "config-linux.md#namespaces: a path of another type is an error" {
	not_hyperv "a path is an error there"
	config '.linux.namespaces |= map(if .type == "ipc" then . + {"path": "/proc/self/ns/uts"} else . end)'
	invalid ipc
	config '.linux.namespaces |= map(if .type == "ipc" then . + {"path": "/dev/null"} else . end)'
	invalid '/dev/null"? is not a namespace'
}

@test "config-linux.md#namespaces: without a path it is a new one" {
	config '.linux.namespaces = (["cgroup", "ipc", "mount", "network", "pid", "time", "uts"] | map({"type": .}))'
	checks namespaces , ls-proc
	run_ok
	has 'pid 1: init'
	is_hyperv || for name in cgroup ipc mnt net pid uts; do
		lacks "ns $name: $(ns "$name" self)"
	done
}

@test "config-linux.md#namespaces: what is not listed is the runtime's" {
	not_hyperv "the runtime's namespaces are in another kernel than the container"
	config 'del(.hostname) | .linux.namespaces = [{"type": "mount"}, {"type": "pid"}]'
	checks namespaces
	run_ok
	for name in cgroup ipc net user uts; do
		has "ns $name: $(ns "$name" self)"
	done
}

@test "config-linux.md#namespaces: a type named twice is an error" {
	for type in mount pid uts network; do
		config '.linux.namespaces = [{"type": "mount"}, {"type": "pid"}, {"type": "uts"}, {"type": "network"}, {"type": $type}]' --arg type "$type"
		invalid "$type"
	done
}

mapping()
{
	config '.linux.namespaces += [{"type": "user"}] | .linux.uidMappings = [{"containerID": 0, "hostID": 100000, "size": 1000}] | .linux.gidMappings = .linux.uidMappings'
}

@test "config-linux.md#user-namespace-mappings: containerID is required" {
	mapping
	required 'linux.uidMappings[0].containerID'
}

@test "config-linux.md#user-namespace-mappings: hostID is required" {
	mapping
	required 'linux.gidMappings[0].hostID'
}

@test "config-linux.md#user-namespace-mappings: size is required" {
	mapping
	required 'linux.uidMappings[0].size'
}
