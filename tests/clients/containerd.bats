# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# shellcheck disable=SC2015,SC2016,SC2154 # chains that end in fail; texts for the container's shell; names that lib.bash sets
# containerd as it is packaged, with its shim for runc and hvrun as that shim's runtime.

load clients

setup_test()
{
	skip_unless "no containerd" test -x "$(command -v containerd)"
	engine_runtime
	SOCKET=$SCRATCH/containerd.sock
	cat >"$SCRATCH/config.toml" <<TOML
version = 2
root = "$SCRATCH/containerd"
state = "$SCRATCH/containerd-state"
disabled_plugins = ["io.containerd.grpc.v1.cri", "io.containerd.internal.v1.opt"]
[grpc]
address = "$SOCKET"
TOML
	containerd --config "$SCRATCH/config.toml" >"$SCRATCH/containerd.log" 2>&1 </dev/null 3>&- 4>&- &
	CONTAINERD=$!
	eventually ctl version
	RUN=(run --runc-binary "$RUNTIME" --annotation "$ANNOTATION=$RUNTIME_TYPE")
}

eval "lib_$(declare -f teardown)"
teardown()
{
	if [ -n "${CONTAINERD-}" ]; then
		ctl task rm -f "$ID" >/dev/null 2>&1 || true
		kill "$CONTAINERD" 2>/dev/null
		eventually is_gone "$CONTAINERD"
	fi
	lib_teardown
}

ctl()
{
	timeout --foreground -k 5 "$CALL_TIMEOUT" ctr -a "$SOCKET" "$@" 3>&- 4>&-
}

task_is()
{
	ctl task ls | grep -qE "^$ID +[0-9]+ +$1"
}

pid_of()
{
	ctl task ls | awk -v id="$ID" '$1 == id { print $2 }'
}

@test "ctr run: streams apart, exit status" {
	try ctl "${RUN[@]}" --rm --rootfs "$BUNDLE/rootfs" "$ID" sh -c 'echo out; echo err >&2; exit 7'
	status_is 7
	output_is out
	errors_have '^err$'
}

@test "ctr run -d, exec, ps, pause, metrics, kill, rm" {
	try ctl "${RUN[@]}" -d --rootfs "$BUNDLE/rootfs" "$ID" sleep 1000
	status_is 0
	task_is RUNNING
	try ctl task exec --exec-id one "$ID" sh -c 'echo hello; exit 3'
	status_is 3
	has hello
	try ctl task ps "$ID"
	has "$(pid_of) +-"
	ctl task pause "$ID"
	task_is PAUSED
	ctl task resume "$ID"
	task_is RUNNING
	try ctl task metrics "$ID"
	has 'pids.current +[1-9].*'
	ctl task kill -s KILL "$ID"
	eventually task_is STOPPED
	try ctl task rm "$ID"
	errors_have '137'
	ctl container rm "$ID"
	try ctl task ls
	lacks "$ID"
}

@test "ctr run: a refusal of the runtime reaches the user" {
	try ctl "${RUN[@]}" --rm --rootfs "$BUNDLE/rootfs" "$ID" /bin/nothing
	status_is 1
	errors_have 'no such file or directory'
}
