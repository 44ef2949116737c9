# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck disable=SC2015,SC2016,SC2153,SC2154 # jq programs, and names that lib.bash sets
# create, start, state, kill and delete: runtime-spec runtime.md, "Lifecycle" and "Operations".

load lib

@test "create, start, kill, delete: each state in its turn" {
	process /bin/init signal-wait
	create "$ID" --pid-file "$SCRATCH/pid"
	status_is 0
	is_state "$ID" created
	same "$(<"$SCRATCH/pid")" "$(container_pid "$ID")" "pids"
	grep -qxE '[0-9]+' "$SCRATCH/pid"
	[ -d "/proc/$(<"$SCRATCH/pid")" ]
	[ ! -s "$SCRATCH/$ID.out" ]

	try hv start "$ID"
	status_is 0
	no_errors
	eventually file_has "$SCRATCH/$ID.out" ready
	is_state "$ID" running

	try hv kill "$ID" TERM
	status_is 0
	eventually is_state "$ID" stopped
	grep -qx 'signal: TERM' "$SCRATCH/$ID.out"
	same "$(container_pid "$ID")" 0 "pid of a stopped container"

	try hv delete "$ID"
	status_is 0
	no_errors
	try hv state "$ID"
	status_is 1
	errors_have "does not exist"
}

@test "run -d gives back control, and delete -f ends a running container" {
	process /bin/init pause
	background "$ID"
	is_state "$ID" running
	pid=$(<"$SCRATCH/$ID.pid")
	try hv delete "$ID"
	status_is 1
	errors_have "not stopped: running|is not stopped"
	is_state "$ID" running
	try hv delete -f "$ID"
	status_is 0
	is_gone "$pid"
}

@test "run removes the container when it is done" {
	run_ok
	try hv state "$ID"
	status_is 1
	errors_have "does not exist"
	try hv run "$ID"
	status_is 0
}

@test "delete of a created container" {
	process /bin/init pause
	create "$ID" --pid-file "$SCRATCH/pid"
	status_is 0
	try hv delete "$ID"
	status_is 0
	is_gone "$(<"$SCRATCH/pid")"
}

@test "a second start is refused and changes nothing" {
	process /bin/init pause
	background "$ID"
	try hv start "$ID"
	status_is 1
	errors_have "cannot start an already running container"
	is_state "$ID" running
}

@test "start, kill and exec of a stopped container are refused" {
	background "$ID" ""
	eventually is_state "$ID" stopped
	try hv start "$ID"
	status_is 1
	errors_have "cannot start a container that has stopped"
	try hv kill "$ID" TERM
	status_is 1
	errors_have "container not running"
	try hv exec "$ID" /bin/init exit 0
	status_is 255
	errors_have "cannot exec in a stopped container"
}

@test "a used id is refused, and the container that has it stays as it is" {
	process /bin/init pause
	background "$ID"
	before=$(snapshot)
	try hv create "$ID"
	refused "container with given ID already exists"
	try hv run "$ID"
	refused "container with given ID already exists"
	same "$before" "$(snapshot)" "the machine"
	is_state "$ID" running
}

@test "every verb says of an unknown id that it does not exist" {
	for verb in state start "kill" "delete"; do
		try hv "$verb" no-such-container
		refused "container.* does not exist"
	done
	try hv exec no-such-container /bin/true
	status_is 255
	errors_have "container.* does not exist"
	try hv delete -f no-such-container
	status_is 0
	no_errors
}

@test "create without start, with --bundle from elsewhere" {
	process /bin/init cwd
	cd /
	create "$ID" --bundle "$BUNDLE"
	status_is 0
	same "$(hv state "$ID" | jq -r .bundle)" "$BUNDLE" "bundle"
	try hv start "$ID"
	status_is 0
	eventually is_state "$ID" stopped
	grep -qx 'cwd: /' "$SCRATCH/$ID.out"
}

@test "changes of config.json after create have no effect" {
	process /bin/init exit 0
	config '.process.args = ["/bin/init", "all", "args", "old", ",", "hostname"] | .hostname = "old"'
	create "$ID"
	status_is 0
	config '.process.args = ["/bin/init", "args", "new"] | .hostname = "new"'
	try hv start "$ID"
	status_is 0
	eventually is_state "$ID" stopped
	grep -qx 'arg: old' "$SCRATCH/$ID.out"
	grep -qx 'hostname: old' "$SCRATCH/$ID.out"
}

@test "several containers at once, each by its own id" {
	process /bin/init signal-wait
	background "$ID-a"
	background "$ID-b"
	try hv list -q
	has "$ID-a" "$ID-b"
	try hv kill "$ID-a" KILL
	eventually is_state "$ID-a" stopped
	is_state "$ID-b" running
	hv kill "$ID-b" USR1
	eventually is_state "$ID-b" stopped
	grep -qx 'signal: USR1' "$SCRATCH/$ID-b.out"
}

@test "delete ends processes that outlived the first one" {
	config 'del(.linux.namespaces[] | select(.type == "pid"))'
	if is_hyperv; then
		# the machine's end is the end of all in it
		config '.linux.namespaces += [{"type": "pid"}]'
	fi
	process /bin/init spawn
	background "$ID" spawn
	eventually is_state "$ID" stopped
	try hv delete -f "$ID"
	status_is 0
}

@test "ids: runc's rules" {
	for id in "" . .. a/b ../escape "a b" 'a$b' "ü"; do
		try hv run "$id"
		status_is 1
		errors_have "invalid container ID|invalid id format|container id cannot be empty"
	done
	try hv run "t+-_.$TAG"
	status_is 0
}

@test "a process without args is refused" {
	config '.process.args = []'
	before=$(snapshot)
	try hv create "$ID"
	status_is 1
	errors_have args
	machine_unchanged "$before"
}
