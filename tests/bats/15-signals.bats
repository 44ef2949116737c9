# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck disable=SC2015,SC2016,SC2153,SC2154 # jq programs, and names that lib.bash sets
# kill: every way to name a signal, and signals to the foreground runtime.

load lib

@test "signals by name, with and without SIG, by number, and TERM when none is named" {
	process /bin/init signal-wait 7
	background "$ID"
	for signal in HUP SIGUSR1 12 SIGCONT WINCH 1 ""; do
		# the next one only when this one has come, or two of a kind are one
		n=$(grep -c '^signal:' "$SCRATCH/$ID.out" || true)
		try hv kill "$ID" ${signal:+"$signal"}
		status_is 0
		no_errors
		arrived()
		{
			[ "$(grep -c '^signal:' "$SCRATCH/$ID.out")" -gt "$n" ]
		}
		eventually arrived
	done
	same "$(grep '^signal:' "$SCRATCH/$ID.out" | cut -d' ' -f2 | xargs)" "HUP USR1 USR2 CONT WINCH HUP TERM" "signals"
	eventually is_state "$ID" stopped
}

@test "unknown signals are refused and nothing is sent" {
	process /bin/init signal-wait
	background "$ID"
	for signal in FOO SIGFOO 0x9 99 -1 9x; do
		try hv kill "$ID" "$signal"
		[ "$status" != 0 ] || fail "\"$signal\" was taken"
	done
	try hv kill "$ID" FOO
	refused "unknown signal"
	is_state "$ID" running
	not grep -q signal: "$SCRATCH/$ID.out"
}

@test "a created container can be killed before its start" {
	process /bin/init pause
	create "$ID"
	try hv kill "$ID" KILL
	status_is 0
	eventually is_state "$ID" stopped
	try hv start "$ID"
	status_is 1
	hv delete "$ID"
}

@test "what the foreground runtime gets, the container gets" {
	process /bin/init signal-wait 3
	"${HV[@]}" run "$ID" >"$SCRATCH/$ID.out" 2>&1 </dev/null 3>&- &
	runtime=$!
	eventually file_has "$SCRATCH/$ID.out" ready
	for signal in USR1 HUP TERM; do
		kill "-$signal" $runtime
		eventually file_has "$SCRATCH/$ID.out" "signal: $signal"
	done
	status=0
	wait $runtime || status=$?
	status_is 0
}

@test "the same for exec" {
	process /bin/init pause
	background "$ID"
	"${HV[@]}" exec "$ID" /bin/init signal-wait 2 >"$SCRATCH/exec.out" 2>&1 </dev/null 3>&- &
	runtime=$!
	eventually file_has "$SCRATCH/exec.out" ready
	for signal in USR2 TERM; do
		kill "-$signal" $runtime
		eventually file_has "$SCRATCH/exec.out" "signal: $signal"
	done
	status=0
	wait $runtime || status=$?
	status_is 0
	is_state "$ID" running
}

@test "signals to the pid in the pid file reach the container" {
	process /bin/init signal-wait 2
	background "$ID"
	pid=$(<"$SCRATCH/$ID.pid")
	for signal in USR1 TERM; do
		kill "-$signal" "$pid"
		eventually file_has "$SCRATCH/$ID.out" "signal: $signal"
	done
	eventually is_state "$ID" stopped
}

@test "kill --all reaches every process" {
	process /bin/init pause
	background "$ID"
	hv exec -d "$ID" /bin/init signal-wait >"$SCRATCH/exec.out" 2>&1 </dev/null
	eventually file_has "$SCRATCH/exec.out" ready
	try hv kill --all "$ID" USR1
	status_is 0
	eventually file_has "$SCRATCH/exec.out" 'signal: USR1'
}
