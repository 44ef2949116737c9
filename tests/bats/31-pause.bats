# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# shellcheck disable=SC2015,SC2016,SC2153,SC2154 # jq programs, and names that lib.bash sets
# pause and resume: the freezer, here or in the guest.

load lib

# Writes a number to /tmp/ticks in the container's stdout every 50 ms.
ticking()
{
	process /bin/sh -c 'echo ready:; n=0; while :; do n=$((n+1)); echo $n; sleep 0.05; done'
	background "$ID"
}

ticks()
{
	wc -l <"$SCRATCH/$ID.out"
}

more_ticks_than()
{
	[ "$(ticks)" -gt "$1" ]
}

@test "pause stops the processes, resume lets them go on" {
	ticking
	eventually more_ticks_than 3
	try hv pause "$ID"
	status_is 0
	no_errors
	is_state "$ID" paused
	eventually grep -qE "^$ID +[0-9]+ +paused" <(hv list)
	# what was under way may still arrive, then nothing more
	sleep 0.3
	n=$(ticks)
	sleep 0.5
	same "$(ticks)" "$n" "lines while paused"
	try hv resume "$ID"
	status_is 0
	no_errors
	is_state "$ID" running
	eventually more_ticks_than "$n"
}

@test "what is paused is not paused again, what runs is not resumed" {
	process /bin/init pause
	background "$ID"
	try hv resume "$ID"
	refused "container not paused"
	hv pause "$ID"
	try hv pause "$ID"
	refused "cannot pause"
	is_state "$ID" paused
	hv resume "$ID"
	try hv pause nobody
	refused "does not exist"
}

@test "what does not run is neither paused nor resumed" {
	process /bin/init exit 0
	background "$ID" ""
	eventually is_state "$ID" stopped
	try hv pause "$ID"
	refused "cannot pause.*not running"
	try hv resume "$ID"
	refused "container not paused"
}

@test "a created container can be paused, and started when it is resumed" {
	process /bin/init pause
	create "$ID"
	status_is 0
	hv pause "$ID"
	is_state "$ID" paused
	try hv start "$ID"
	refused "cannot start a container in the paused state"
	hv resume "$ID"
	is_state "$ID" created
	hv start "$ID"
	eventually file_has "$SCRATCH/$ID.out" ready
}

@test "exec in a paused container is refused" {
	process /bin/init pause
	background "$ID"
	hv pause "$ID"
	try hv exec "$ID" /bin/init exit 0
	status_is 255
	errors_have "cannot exec in a paused container \(use --ignore-paused to override\)"
	hv resume "$ID"
	try hv exec "$ID" /bin/init exit 7
	status_is 7
}

@test "a paused container is not deleted without force, and is with it" {
	process /bin/init pause
	background "$ID"
	hv pause "$ID"
	try hv delete "$ID"
	refused "cannot delete container $ID that is not stopped: paused"
	try hv delete --force "$ID"
	status_is 0
	no_errors
	try hv state "$ID"
	refused "does not exist"
}

@test "KILL ends a paused container, other signals come when it is resumed" {
	process /bin/init signal-wait
	background "$ID"
	hv pause "$ID"
	hv kill "$ID" USR1
	sleep 0.3
	not grep -q 'signal: USR1' "$SCRATCH/$ID.out"
	hv resume "$ID"
	eventually file_has "$SCRATCH/$ID.out" "signal: USR1"
	eventually is_state "$ID" stopped
	hv delete "$ID"

	process /bin/init pause
	background "$ID"
	hv pause "$ID"
	hv kill "$ID" KILL
	eventually is_state "$ID" stopped
	hv delete "$ID"
}
