# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck disable=SC2015,SC2016,SC2034,SC2153,SC2154 # jq programs, and names that the libraries set and use
# runtime-spec 1.3.0 runtime.md, "Errors", "Warnings" and "Operations".

load spec

@test "runtime.md#errors: an error leaves everything as if nothing had been tried" {
	paused
	before=$(snapshot)
	process /bin/no-such-program
	try hv create "$ID-b" --no-such-option
	status_is 1
	config '.mounts += [{"destination": "/mnt", "type": "bind", "source": "/no/such/source", "options": ["bind"]}] | .root.readonly = false'
	try hv run "$ID-b"
	refused "/no/such/source"
	try hv start "$ID"
	status_is 1
	try hv delete "$ID"
	status_is 1
	machine_unchanged "$before"
	is_state "$ID" running
}

@test "runtime.md#warnings: what follows a warning goes on" {
	config '.process.capabilities.bounding += ["CAP_FROM_THE_FUTURE"]'
	process /bin/init exit 7
	try hv --log "$SCRATCH/log" run "$ID"
	status_is 7
	grep -q CAP_FROM_THE_FUTURE "$SCRATCH/log"
}

@test "runtime.md#operations: state, create, start, kill and delete are there" {
	process /bin/init signal-wait
	create "$ID"
	status_is 0
	for operation in state start "kill KILL" delete; do
		[ "$operation" != delete ] || eventually is_state "$ID" stopped
		# shellcheck disable=SC2086
		set -- $operation
		try hv "$1" "$ID" ${2-}
		status_is 0
	done
}

@test "runtime.md#query-state: without an id it is an error" {
	needs_id state
}

@test "runtime.md#query-state: of a container that does not exist it is an error" {
	try hv state "$ID"
	refused "does not exist"
}

@test "runtime.md#query-state: gives the state" {
	create "$ID"
	try hv state "$ID"
	status_is 0
	no_errors
	jq -e --arg id "$ID" --arg bundle "$BUNDLE" 'has("ociVersion") and .id == $id and .status == "created" and .pid > 1 and .bundle == $bundle' <<<"$output"
}

@test "runtime.md#create: without a bundle or an id it is an error" {
	needs_id create
	cd "$SCRATCH"
	before=$(snapshot)
	try hv create "$ID"
	refused config.json
	try hv create --bundle "$SCRATCH/nowhere" "$ID"
	refused "$SCRATCH/nowhere"
	machine_unchanged "$before"
}

@test "runtime.md#create: a used or wrong id is an error" {
	paused
	try hv create "$ID"
	refused "already exists"
	for id in "../$ID" "a b" "$(printf 'a\nb')" .; do
		try hv create "$id"
		status_is 1
		errors_have "id"
	done
}

@test "runtime.md#create: a used or wrong id makes no container" {
	paused
	before=$(snapshot)
	try hv create "$ID"
	status_is 1
	try hv create "../$ID"
	status_is 1
	machine_unchanged "$before"
	try hv list -q
	output_is "$ID"
	[ ! -e "$SCRATCH/$ID" ]
}

@test "runtime.md#create: makes a container" {
	create "$ID"
	status_is 0
	try hv list -q
	output_is "$ID"
	is_state "$ID" created
}

@test "runtime.md#create: applies all but the process" {
	config '.hostname = "applied" | .root.readonly = true
		| .mounts += [{"destination": "/tmp", "type": "tmpfs", "source": "tmpfs", "options": ["size=64k"]}]
		| .linux.sysctl = {"kernel.msgmax": "12345"} | .linux.maskedPaths = ["/proc/version"] | .linux.readonlyPaths = ["/tmp"]'
	process /bin/init all hostname , mounts , read /proc/sys/kernel/msgmax /proc/version , write /tmp/x /etc/x
	run_ok
	has 'hostname: applied' 'mount /tmp: tmpfs .*size=64k.*' 'read /proc/sys/kernel/msgmax: .* 12345' 'read /proc/version: 0 bytes, ' \
		'write /tmp/x: EROFS' 'write /etc/x: EROFS'
}

@test "runtime.md#create: process.args waits for start" {
	process /bin/init args started
	create "$ID"
	sleep 0.3
	[ ! -s "$SCRATCH/$ID.out" ]
	is_state "$ID" created
	hv start "$ID"
	eventually file_has "$SCRATCH/$ID.out" 'arg: started'
}

@test "runtime.md#create: a property that cannot be applied is an error" {
	config '.linux.sysctl = {"kernel.msgmax": "not a number"}'
	invalid "msgmax"
}

@test "runtime.md#create: a property that cannot be applied makes no container" {
	config '.linux.maskedPaths = null | .linux.rootfsPropagation = "sideways"'
	invalid "rootfsPropagation"
	try hv state "$ID"
	refused "does not exist"
}

@test "runtime.md#start: without an id it is an error" {
	needs_id start
}

@test "runtime.md#start: of a container that is not created it has no effect" {
	process /bin/init pause
	background "$ID"
	pid=$(container_pid "$ID")
	before=$(snapshot)
	try hv start "$ID"
	not test "$status" = 0
	is_state "$ID" running
	same "$(container_pid "$ID")" "$pid"
	machine_unchanged "$before"
	hv kill "$ID" KILL
	eventually is_state "$ID" stopped
	try hv start "$ID"
	not test "$status" = 0
	is_state "$ID" stopped
}

@test "runtime.md#start: of a container that is not created it is an error" {
	paused
	try hv start "$ID"
	refused "already running"
	hv kill "$ID" KILL
	eventually is_state "$ID" stopped
	try hv start "$ID"
	refused "stopped"
	try hv start "$ID-none"
	refused "does not exist"
}

@test "runtime.md#start: runs the program as process says" {
	config '.process.cwd = "/tmp" | .process.env = ["A=b"] | .process.user = {"uid": 7, "gid": 8}'
	process /bin/init all args x "y z" , cwd , print-env , ids
	create "$ID"
	hv start "$ID"
	eventually is_state "$ID" stopped
	output=$(<"$SCRATCH/$ID.out")
	has 'arg: x' 'arg: y z' 'cwd: /tmp' 'env: A=b' 'uid: 7 7' 'gid: 8 8'
}

@test "runtime.md#start: without process it is an error" {
	config 'del(.process)'
	create "$ID"
	status_is 0
	is_state "$ID" created
	try hv start "$ID"
	refused process
	is_state "$ID" created
}

@test "runtime.md#kill: without an id it is an error" {
	needs_id kill
}

@test "runtime.md#kill: of a container that has ended it has no effect" {
	background "$ID" ""
	eventually is_state "$ID" stopped
	before=$(snapshot)
	try hv kill "$ID" TERM
	not test "$status" = 0
	is_state "$ID" stopped
	machine_unchanged "$before"
}

@test "runtime.md#kill: of a container that has ended it is an error" {
	background "$ID" ""
	eventually is_state "$ID" stopped
	try hv kill "$ID" TERM
	refused "not running"
	try hv kill "$ID-none" TERM
	refused "does not exist"
}

@test "runtime.md#kill: sends the signal to the container's process" {
	process /bin/init signal-wait 2
	background "$ID"
	try hv kill "$ID" USR1
	status_is 0
	eventually file_has "$SCRATCH/$ID.out" 'signal: USR1'
	hv kill "$ID" 15
	eventually file_has "$SCRATCH/$ID.out" 'signal: TERM'
	# and to a created one, whose program has not been run
	create "$ID-b"
	hv kill "$ID-b" KILL
	eventually is_state "$ID-b" stopped
}

@test "runtime.md#delete: without an id it is an error" {
	needs_id delete
}

@test "runtime.md#delete: of a container that has not ended it has no effect" {
	paused
	before=$(snapshot)
	try hv delete "$ID"
	not test "$status" = 0
	is_state "$ID" running
	machine_unchanged "$before"
}

@test "runtime.md#delete: of a container that has not ended it is an error" {
	paused
	try hv delete "$ID"
	refused "not stopped"
	try hv delete "$ID-none"
	refused "does not exist"
}

@test "runtime.md#delete: removes what create made" {
	before=$(snapshot)
	config '.linux.resources.pids.limit = 20'
	create "$ID"
	pid=$(container_pid "$ID")
	cgroup_of "$ID" pids >/dev/null
	hv kill "$ID" KILL
	eventually is_state "$ID" stopped
	try hv delete "$ID"
	status_is 0
	is_gone "$pid"
	not cgroup_of "$ID" pids
	[ ! -e "$ROOT/$ID" ]
	machine_unchanged "$before"
}

@test "runtime.md#delete: leaves what create did not make" {
	mkdir "$SCRATCH/volume"
	echo kept >"$SCRATCH/volume/file"
	config '.root.readonly = false | .mounts += [{"destination": "/volume", "type": "bind", "source": $volume, "options": ["bind"]}]' \
		--arg volume "$SCRATCH/volume"
	process /bin/init write /volume/new /etc/new
	background "$ID" ""
	eventually is_state "$ID" stopped
	hv delete "$ID"
	same "$(<"$SCRATCH/volume/file")" kept
	[ -f "$SCRATCH/volume/new" ] && [ -f rootfs/etc/new ] && [ -f config.json ]
}
