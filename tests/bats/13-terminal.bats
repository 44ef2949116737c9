# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck disable=SC2015,SC2016,SC2153,SC2154 # jq programs, and names that lib.bash sets
# Terminals: the caller's own in the foreground, and one handed over by --console-socket.

load lib

setup_test()
{
	config '.process.terminal = true'
	SOCKET=$SCRATCH/console.sock
}

# Takes the terminal of the next create, run -d or exec -d; what comes out of it is in $SCRATCH/tty.
receive_console()
{
	rm -f "$SOCKET"
	"$CONSOLE" receive "$@" "$SOCKET" >"$SCRATCH/tty" 2>&1 </dev/null 3>&- &
	RECEIVER=$!
	eventually test -S "$SOCKET"
}

# The manager sees the terminal hang up: nobody on our side holds it any longer.
console_ended()
{
	eventually is_gone "$RECEIVER"
}

# What came out of a terminal, in $output.
read_terminal()
{
	output=$(tr -d '\r' <"$1")
}

@test "run in a terminal: a terminal of its own, the caller's size, the exit status" {
	only_hvrun # runc gives the terminal its size when the process already runs
	checks isatty , ttysize , stat /dev/console /dev/ptmx , exit 6
	status=0
	"$CONSOLE" run --size 33x77 "${HV[@]}" run "$ID" >"$SCRATCH/tty" </dev/null 3>&- || status=$?
	read_terminal "$SCRATCH/tty"
	status_is 6
	has 'isatty: 1 1 1' 'controlling: yes' 'ttysize: 33 77' 'stat /dev/console: char .*' 'ttyname: /dev/(pts/0|console)'
}

@test "run in a terminal: a resize arrives" {
	only_hvrun # as above
	process /bin/init resize 20x40 50x100
	status=0
	"$CONSOLE" run --size 20x40 --resize 'ready: resize' 50x100 "${HV[@]}" run "$ID" >"$SCRATCH/tty" </dev/null 3>&- || status=$?
	read_terminal "$SCRATCH/tty"
	status_is 0
	has 'ttysize: 20 40' 'ttysize: 50 100'
}

@test "run in a terminal: what is typed arrives, and control characters are signals" {
	process /bin/sh -c 'echo ready:; read line; echo "got $line"; trap "echo interrupted; exit 3" INT; echo again:; while :; do sleep 0.1; done'
	mkfifo "$SCRATCH/keys"
	"$CONSOLE" run "${HV[@]}" run "$ID" >"$SCRATCH/tty" <"$SCRATCH/keys" 3>&- &
	exec 9>"$SCRATCH/keys"
	eventually file_has "$SCRATCH/tty" 'ready:'
	echo hello >&9
	eventually file_has "$SCRATCH/tty" 'got hello'
	eventually file_has "$SCRATCH/tty" 'again:'
	printf '\003' >&9
	exec 9>&-
	status=0
	wait %1 || status=$?
	read_terminal "$SCRATCH/tty"
	status_is 3
	has '.*interrupted'
}

@test "--console-socket: the manager gets the terminal, resizes it, and hears the end" {
	process /bin/init all isatty , resize 25x81 26x82
	receive_console --size 25x81 --resize 'ready: resize' 26x82
	create "$ID" --console-socket "$SOCKET" --pid-file "$SCRATCH/pid"
	status_is 0
	is_state "$ID" created
	try hv start "$ID"
	status_is 0
	eventually is_state "$ID" stopped
	console_ended
	read_terminal "$SCRATCH/tty"
	has 'isatty: 1 1 1' 'controlling: yes' 'ttysize: 25 81' 'ttysize: 26 82'
}

@test "consoleSize is the size at the start" {
	config '.process.consoleSize = {"height": 44, "width": 111}'
	process /bin/init ttysize
	receive_console
	try hv run -d --console-socket "$SOCKET" "$ID"
	status_is 0
	console_ended
	read_terminal "$SCRATCH/tty"
	has 'ttysize: 44 111'
}

@test "the terminal belongs to the process's user, and its device is in the container's devpts" {
	config '.process.user = {"uid": 1000, "gid": 1000}'
	checks stat /dev/pts/0 /dev/console /dev/ptmx , write TEXT=through-console /dev/tty
	receive_console
	try hv run -d --console-socket "$SOCKET" "$ID"
	status_is 0
	console_ended
	read_terminal "$SCRATCH/tty"
	has 'stat /dev/pts/0: char 0620 1000 5 136:0' 'stat /dev/ptmx: link .* -> pts/ptmx' 'stat /dev/console: char .*136:0' \
		'through-console.*'
}

@test "exec -t in the foreground and by console socket" {
	only_hvrun # as above
	config '.process.terminal = false'
	process /bin/init pause
	background "$ID"
	status=0
	"$CONSOLE" run --size 12x34 "${HV[@]}" exec -t "$ID" /bin/init all isatty , ttysize , exit 8 >"$SCRATCH/tty" </dev/null 3>&- || status=$?
	read_terminal "$SCRATCH/tty"
	status_is 8
	has 'isatty: 1 1 1' 'controlling: yes' 'ttysize: 12 34'

	receive_console --size 15x51 --resize 'ready: resize' 16x52
	try hv exec -d -t --console-socket "$SOCKET" "$ID" /bin/init all isatty , resize 15x51 16x52
	status_is 0
	console_ended
	read_terminal "$SCRATCH/tty"
	has 'isatty: 1 1 1' 'ttysize: 16 52'
}

@test "a terminal without socket when detached, and a socket without terminal, are refused" {
	before=$(snapshot)
	try hv create "$ID"
	refused "cannot allocate tty if .* will detach without setting console socket"
	try hv run -d "$ID"
	refused "cannot allocate tty if .* will detach without setting console socket"
	config '.process.terminal = false'
	try hv create --console-socket "$SOCKET" "$ID"
	refused "cannot use console socket if .* will not detach or allocate tty"
	machine_unchanged "$before"
}

@test "create with a terminal lets its caller's output end" {
	HV+=(--log "$SCRATCH/log")
	process /bin/init pause
	receive_console
	hv create --console-socket "$SOCKET" "$ID" </dev/null 2>&1 | timeout "$WAIT_TIMEOUT" cat >"$SCRATCH/created"
	same "${PIPESTATUS[*]}" "0 0" "exit status of create, and of who reads until the end of its output"
	hv start "$ID"
	eventually file_has "$SCRATCH/tty" ready:
	receive_console
	hv exec -d -t --console-socket "$SOCKET" "$ID" /bin/sleep 1000 </dev/null 2>&1 | timeout "$WAIT_TIMEOUT" cat >"$SCRATCH/executed"
	same "${PIPESTATUS[*]}" "0 0" "exit status of exec, and of who reads until the end of its output"
	hv delete -f "$ID"
	console_ended
}

@test "a console socket that is not there, or that is no socket" {
	before=$(snapshot)
	try hv create --console-socket "$SCRATCH/nothing" "$ID"
	status_is 1
	errors_have "$SCRATCH/nothing.*no such file or directory"
	touch "$SCRATCH/file"
	try hv create --console-socket "$SCRATCH/file" "$ID"
	status_is 1
	errors_have "$SCRATCH/file|not a socket|connection refused"
	rm "$SCRATCH/file"
	machine_unchanged "$before"
}
