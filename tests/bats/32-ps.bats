# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# shellcheck disable=SC2015,SC2016,SC2153,SC2154 # jq programs, and names that lib.bash sets
# ps: the processes of a container and no others.

load lib

# The shell says ready when it has forked; what it has forked is sleep a little later.
start_two()
{
	process /bin/sh -c 'sleep 1001 & echo ready:; exec sleep 1002'
	background "$ID"
	both_sleep()
	{
		[ "$(hv ps "$ID" | grep -c ' sleep 100[12]$')" = 2 ]
	}
	eventually both_sleep
}

@test "ps shows the container's processes as ps -ef does" {
	start_two
	try hv ps "$ID"
	status_is 0
	no_errors
	has 'UID +PID +PPID +C +STIME +TTY +TIME +CMD' 'root +[0-9]+ +[0-9]+ .*sleep 1001' 'root +[0-9]+ +[0-9]+ .*sleep 1002'
	same "$(wc -l <<<"$output")" 3 "lines"
}

@test "ps -f json is an array of numbers" {
	start_two
	try hv ps --format json "$ID"
	status_is 0
	no_errors
	same "$(jq -c 'map(type) | unique' <<<"$output")" '["number"]'
	jq -e "index($(container_pid "$ID")) != null" <<<"$output"
	if ! is_hyperv; then
		same "$(jq length <<<"$output")" 2 "processes"
		same "$(hv ps -f json "$ID" | jq -c 'sort')" "$(hv ps "$ID" | awk 'NR > 1 { print $2 }' | jq -cs 'sort')"
	fi
}

# Engines look for them there (docker top), and signal them.
@test "ps -f json: all of them are processes of the host's, those of execs too" {
	local pid
	process /bin/init pause
	background "$ID"
	hv exec -d --pid-file "$SCRATCH/exec.pid" "$ID" /bin/init pause </dev/null >/dev/null 2>&1
	try hv ps -f json "$ID"
	status_is 0
	jq -e "index($(<"$SCRATCH/exec.pid")) != null" <<<"$output"
	for pid in $(jq '.[]' <<<"$output"); do
		grep -qF "$ID" "/proc/$pid/cgroup" || fail "process $pid is not in the container's group"
	done
	kill -STOP "$(container_pid "$ID")"
	try hv ps -f json "$ID"
	kill -CONT "$(container_pid "$ID")"
	status_is 0
}

@test "ps in a container that has just been created shows its one process" {
	process /bin/init pause
	create "$ID"
	try hv ps -f json "$ID"
	status_is 0
	jq -e "index($(container_pid "$ID")) != null" <<<"$output"
	is_hyperv || same "$(jq length <<<"$output")" 1
}

@test "ps with a user: the number when there is no name for it" {
	config '.process.user = {"uid": 54321, "gid": 54321}'
	process /bin/init pause
	background "$ID"
	try hv ps "$ID"
	status_is 0
	has '#?54321 +[0-9]+ .*/bin/init pause'
}

@test "ps: a name is no terminal sequence" {
	process /bin/sh -c 'echo ready:; exec sleep 1003'
	config '.process.args[2] = "echo ready:; exec /bin/busybox sh -c \"sleep 1003; :\" \"a\u001b[31mb\nc\""'
	background "$ID"
	try hv ps "$ID"
	status_is 0
	has '.*a\?\[31mb\?c'
}

@test "options for ps(1): its columns, the container's lines" {
	not_hyperv "a guest has no ps"
	skip_unless "no ps(1) on this machine" command -v ps
	start_two
	try hv ps "$ID" -e -o pid,args
	status_is 0
	has ' *PID COMMAND' ' *[0-9]+ sleep 1001' ' *[0-9]+ sleep 1002'
	same "$(wc -l <<<"$output")" 3 "lines"
	try hv ps "$ID" -e -o args
	refused "PID"
}

@test "options for ps(1) are refused where there is none" {
	only_hyperv "ps runs on the host"
	only_hvrun
	process /bin/init pause
	background "$ID"
	try hv ps "$ID" aux
	refused "HyperV" "ps"
}

@test "ps of what does not run" {
	try hv ps nobody
	refused "does not exist"
	process /bin/init exit 0
	background "$ID" ""
	eventually is_state "$ID" stopped
	try hv ps "$ID"
	refused "container not running"
	try hv ps -f xml "$ID"
	[ "$status" != 0 ]
}
