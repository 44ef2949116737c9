# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck disable=SC2015,SC2016,SC2034,SC2153,SC2154 # jq programs, and names that the libraries set and use
# runtime-spec 1.3.0 runtime.md, "Lifecycle".

load spec

setup_test()
{
	LOG=$SCRATCH/hooks.log
	mkdir rootfs/log
	config '.root.readonly = false'
}

# A hook of the host that adds its kind to the log and exits so: "hook KIND [EXIT-STATUS]"
hook()
{
	config '.hooks[$kind] += [{path: "/bin/sh", args: ["sh", "-c", ("cat >/dev/null; echo " + $kind + " >>" + $log + "; exit " + $status)]}]' \
		--arg kind "$1" --arg log "$LOG" --arg status "${2:-0}"
}

hook_ran()
{
	grep -qx "$1" "$LOG" || fail "the $1 hook has not run"
}

# A hook of create that fails: the error, and steps 12 and 13.
create_fails_by()
{
	local before
	hook "$1" 3
	hook poststop
	before=$(snapshot)
	try hv create "$ID"
	refused "$1" "exit status 3"
	hook_ran poststop
	machine_unchanged "$before"
}

@test "runtime.md#lifecycle: create makes the environment of config.json" {
	config '.hostname = "made" | .mounts += [{"destination": "/tmp", "type": "tmpfs", "source": "tmpfs"}]'
	process /bin/init all hostname , mounts , ls-proc
	create "$ID"
	pid=$(container_pid "$ID")
	# before start: namespaces, name and mounts are there
	if ! is_hyperv; then
		not test "$(readlink "/proc/$pid/ns/uts")" = "$(readlink /proc/self/ns/uts)"
		same "$(nsenter -t "$pid" -u hostname)" made
		grep -q ' /tmp .* - tmpfs ' "/proc/$pid/mountinfo"
	fi
	hv start "$ID"
	eventually is_state "$ID" stopped
	output=$(<"$SCRATCH/$ID.out")
	has 'hostname: made' 'mount /tmp: tmpfs .*' 'pid 1: init'
}

@test "runtime.md#lifecycle: an environment that cannot be made is an error" {
	config '.mounts += [{"destination": "/mnt", "type": "no-such-file-system", "source": "none"}]'
	invalid "no-such-file-system|no such device"
}

@test "runtime.md#lifecycle: create makes the resources" {
	config '.linux.resources.pids.limit = 44'
	create "$ID"
	dir=$(cgroup_of "$ID" pids)
	if ! is_hyperv; then
		same "$(<"$dir/pids.max")" 44
		grep -qx "$(container_pid "$ID")" "$dir/cgroup.procs"
	fi
	is_state "$ID" created
}

@test "runtime.md#lifecycle: create does not run the user's program" {
	process /bin/init write /log/ran
	create "$ID"
	sleep 0.3
	is_state "$ID" created
	[ ! -e rootfs/log/ran ]
	hv start "$ID"
	eventually is_state "$ID" stopped
	[ -e rootfs/log/ran ]
}

@test "runtime.md#lifecycle: a config.json changed after create has no effect" {
	config '.hostname = "old" | .process.args = ["/bin/init", "all", "hostname", ",", "args", "old"]'
	create "$ID"
	config '.hostname = "new" | .process.args = ["/bin/init", "args", "new"] | .process.cwd = "/nowhere"'
	hv start "$ID"
	eventually is_state "$ID" stopped
	output=$(<"$SCRATCH/$ID.out")
	has 'hostname: old' 'arg: old'
	lacks new
}

@test "runtime.md#lifecycle: prestart hooks run" {
	hook prestart
	create "$ID"
	hook_ran prestart
}

@test "runtime.md#lifecycle: a prestart hook that fails ends the container" {
	create_fails_by prestart
}

@test "runtime.md#lifecycle: createRuntime hooks run" {
	hook createRuntime
	create "$ID"
	hook_ran createRuntime
}

@test "runtime.md#lifecycle: a createRuntime hook that fails ends the container" {
	create_fails_by createRuntime
}

@test "runtime.md#lifecycle: createContainer hooks run" {
	hook createContainer
	create "$ID"
	hook_ran createContainer
}

@test "runtime.md#lifecycle: a createContainer hook that fails ends the container" {
	create_fails_by createContainer
}

@test "runtime.md#lifecycle: startContainer hooks run" {
	config '.hooks.startContainer = [{"path": "/bin/init", "args": ["init", "write", "/log/started"]}]'
	process /bin/init read /log/started
	create "$ID"
	[ ! -e rootfs/log/started ]
	hv start "$ID"
	eventually is_state "$ID" stopped
	grep -q 'read /log/started: [1-9]' "$SCRATCH/$ID.out"
}

@test "runtime.md#lifecycle: a startContainer hook that fails ends the container" {
	config '.hooks.startContainer = [{"path": "/bin/init", "args": ["init", "exit", "3"]}]'
	hook poststop
	before=$(snapshot)
	process /bin/init write /log/ran
	create "$ID"
	try hv start "$ID"
	refused startContainer "exit status 3"
	[ ! -e rootfs/log/ran ]
	hook_ran poststop
	machine_unchanged "$before"
}

@test "runtime.md#lifecycle: start runs the user's program" {
	process /bin/init args "the program"
	create "$ID"
	hv start "$ID"
	eventually is_state "$ID" stopped
	same "$(<"$SCRATCH/$ID.out")" "arg: the program"
}

@test "runtime.md#lifecycle: poststart hooks run" {
	hook poststart
	create "$ID"
	[ ! -e "$LOG" ]
	hv start "$ID"
	hook_ran poststart
}

@test "runtime.md#lifecycle: a poststart hook that fails ends the container" {
	hook poststart 3
	hook poststop
	before=$(snapshot)
	process /bin/init pause
	create "$ID"
	try hv start "$ID"
	status_is 1
	errors_have poststart "exit status 3"
	hook_ran poststop
	machine_unchanged "$before"
}

@test "runtime.md#lifecycle: the end undoes what create made" {
	before=$(snapshot)
	paused
	pid=$(container_pid "$ID")
	hv kill "$ID" KILL
	eventually is_state "$ID" stopped
	hv delete "$ID"
	is_gone "$pid"
	machine_unchanged "$before"
}

@test "runtime.md#lifecycle: poststop hooks run" {
	hook poststop
	create "$ID"
	hv start "$ID"
	eventually is_state "$ID" stopped
	[ ! -e "$LOG" ]
	hv delete "$ID"
	hook_ran poststop
}

@test "runtime.md#lifecycle: a poststop hook that fails is a warning, and the rest goes on" {
	hook poststop 3
	hook poststop
	before=$(snapshot)
	create "$ID"
	hv start "$ID"
	eventually is_state "$ID" stopped
	try hv delete "$ID"
	status_is 0
	errors_have poststop
	same "$(grep -c poststop "$LOG")" 2 "hooks that ran"
	machine_unchanged "$before"
}
