# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# shellcheck disable=SC2015,SC2016,SC2153,SC2154 # jq programs, and names that lib.bash sets
# events: statistics and OOM kills, one JSON object on a line.

load lib

@test "events --stats prints one line with what the container uses" {
	config '.linux.resources = {"memory": {"limit": 67108864}, "pids": {"limit": 40}, "cpu": {"cpus": "0"}}'
	process /bin/init pause
	background "$ID"
	try hv events --stats "$ID"
	status_is 0
	no_errors
	same "$(wc -l <<<"$output")" 1 "lines"
	[ "${output#"{\"type\":\"stats\",\"id\":\"$ID\","}" != "$output" ] || fail "the line begins otherwise"
	jq -e '.data.memory.usage.limit == 67108864' <<<"$output"
	jq -e '.data.memory.usage.usage > 0' <<<"$output"
	jq -e '.data.memory.raw | length > 5' <<<"$output"
	jq -e '.data.pids == {"current": 1, "limit": 40}' <<<"$output"
	jq -e '.data.cpu.usage.total > 0' <<<"$output"
	jq -e '.data.cpuset.cpus | length > 0' <<<"$output"
}

@test "events --stats tells what the machine costs the host, and how it came up" {
	only_hvrun
	local startup before
	config '.linux.resources = {"memory": {"limit": 134217728}}'
	process /bin/init pause
	background "$ID"
	try hv events --stats "$ID"
	status_is 0
	if ! is_hyperv; then
		jq -e 'has("machine") | not' <<<"$output"
		hv state "$ID" | jq -e 'has("startup") | not'
		return
	fi
	jq -e '.machine.privateMemory > 1048576 and .machine.residentMemory >= .machine.privateMemory' <<<"$output"
	startup=$(jq -c .machine.startup <<<"$output")
	jq -e '.start == "clone" or .start == "boot"' <<<"$startup"
	jq -e '.vmmUsec > 0 and .guestUsec > 0 and .createUsec > 0 and .totalUsec >= .vmmUsec + .guestUsec + .createUsec' <<<"$startup"
	# the same in state and list
	same "$(hv state "$ID" | jq -c .startup)" "$startup"
	same "$(hv list -f json | jq -c '.[0].startup')" "$startup"
	same "$(hv state "$ID" | jq .pid)" "$(sed -n 's/^PPid:[[:space:]]*//p' "/proc/$(jq .pid <<<"$startup")/status")"
	# what the guest touches from now on is private to the machine
	before=$(jq .machine.privateMemory <<<"$output")
	hv exec -d "$ID" /bin/init memory 48
	has_grown()
	{
		[ "$(hv events --stats "$ID" | jq .machine.privateMemory)" -gt $((before + 40000000)) ]
	}
	eventually has_grown
}

# events in the background, its lines in $SCRATCH/events.
follow()
{
	"${HV[@]}" events "$@" "$ID" >"$SCRATCH/events" 2>"$SCRATCH/events.err" </dev/null 3>&- 4>&- &
	follower=$!
}

lines_of()
{
	[ "$(grep -c "\"type\":\"$1\"" "$SCRATCH/events")" -ge "$2" ]
}

@test "events shows statistics at the interval, and ends with the container" {
	process /bin/init pause
	background "$ID"
	follow --interval 200ms
	eventually lines_of stats 3
	hv kill "$ID" KILL
	status=0
	wait $follower || status=$?
	status_is 0
	[ ! -s "$SCRATCH/events.err" ] || fail "$(cat "$SCRATCH/events.err")"
}

@test "events shows OOM kills as they happen" {
	config '.linux.resources.memory = {"limit": 33554432, "swap": 33554432}'
	process /bin/init pause
	background "$ID"
	follow --interval 1h
	# until it listens, a kill is counted and not lost: one that came before it looked is none of its business
	sleep 0.5
	try hv exec "$ID" /bin/init memory 100
	eventually lines_of oom 1
	jq -se "map(select(.type == \"oom\" and .id == \"$ID\")) | length >= 1" "$SCRATCH/events"
	n=$(grep -c '"oom"' "$SCRATCH/events")
	try hv exec "$ID" /bin/init memory 100
	eventually lines_of oom $((n + 1))
	hv kill "$ID" KILL
	status=0
	wait $follower || status=$?
	status_is 0
}

@test "events refuses what it cannot do" {
	try hv events --stats nobody
	refused "does not exist"
	process /bin/init exit 0
	background "$ID" ""
	eventually is_state "$ID" stopped
	try hv events --stats "$ID"
	refused "not running"
	for bad in 0s -1s 5 5x "" 1e9h; do
		try hv events --interval "$bad" "$ID"
		refused "interval"
	done
}
