# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# shellcheck disable=SC2015,SC2016,SC2153,SC2154 # jq programs, and names that lib.bash sets
# What systemd and supervisors hand over: --pidfd-socket, LISTEN_FDS, NOTIFY_SOCKET.

load lib

receive_pidfd()
{
	python3 - "$1" "$2" 3>&- <<'PY' &
import array, os, signal, socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
s.bind(sys.argv[1] + ".new")
s.listen(1)
os.rename(sys.argv[1] + ".new", sys.argv[1])
c = s.accept()[0]
data, fds, _, _ = socket.recv_fds(c, 4096, 4)
with open(f"/proc/self/fdinfo/{fds[0]}") as f:
    pid = [l.split()[1] for l in f if l.startswith("Pid:")][0]
with open(sys.argv[2], "w") as f:
    f.write(f"{data.decode()} {len(fds)} {pid}\n")
PY
	eventually test -S "$1"
}

@test "--pidfd-socket gets a pidfd of the container's process, and of an exec's" {
	skip_unless "no python3" command -v python3
	only_hvrun
	process /bin/init pause
	receive_pidfd "$SCRATCH/sock" "$SCRATCH/got"
	create "$ID" --pidfd-socket "$SCRATCH/sock" --pid-file "$SCRATCH/pid"
	status_is 0
	eventually test -s "$SCRATCH/got"
	same "$(cat "$SCRATCH/got")" "standard 1 $(cat "$SCRATCH/pid")"
	hv start "$ID"
	rm "$SCRATCH/sock" "$SCRATCH/got"
	receive_pidfd "$SCRATCH/sock" "$SCRATCH/got"
	hv exec -d --pidfd-socket "$SCRATCH/sock" --pid-file "$SCRATCH/pid" "$ID" /bin/init pause </dev/null >/dev/null 2>&1
	eventually test -s "$SCRATCH/got"
	same "$(cat "$SCRATCH/got")" "setns 1 $(cat "$SCRATCH/pid")"
}

@test "--pidfd-socket where nobody listens: no container" {
	only_hvrun
	process /bin/init pause
	create "$ID" --pidfd-socket "$SCRATCH/none"
	status_is 1
	errors_have "pidfd-socket"
	try hv state "$ID"
	refused "does not exist"
}

@test "run.oci.pidfd_receiver: create and run send a pidfd of the container's process" {
	skip_unless "no python3" command -v python3
	only_hvrun
	process /bin/init pause
	config '.annotations["run.oci.pidfd_receiver"] = $path' --arg path "$SCRATCH/sock"
	receive_pidfd "$SCRATCH/sock" "$SCRATCH/got"
	create "$ID" --pid-file "$SCRATCH/pid"
	status_is 0
	eventually test -s "$SCRATCH/got"
	same "$(cat "$SCRATCH/got")" "  1 $(cat "$SCRATCH/pid")"
	hv delete -f "$ID"
	rm "$SCRATCH/sock" "$SCRATCH/got"
	receive_pidfd "$SCRATCH/sock" "$SCRATCH/got"
	hv run -d --pid-file "$SCRATCH/pid" "$ID" </dev/null >/dev/null 2>&1
	eventually test -s "$SCRATCH/got"
	same "$(cat "$SCRATCH/got")" "  1 $(cat "$SCRATCH/pid")"
}

@test "run.oci.pidfd_receiver where nobody listens: refused before there is a container" {
	only_hvrun
	config '.hooks.createRuntime = [{path: "/bin/sh", args: ["sh", "-c", ("cat >/dev/null; touch " + $file)]}]' --arg file "$SCRATCH/made"
	cp config.json plain.json
	touch "$SCRATCH/file"
	long=$SCRATCH/$(printf 'd%.0s' {1..120})
	while IFS='|' read -r path text; do
		cp plain.json config.json
		config '.annotations["run.oci.pidfd_receiver"] = $path' --arg path "$path"
		try hv create "$ID"
		refused "annotation run.oci.pidfd_receiver: $text" || fail "with $path"
		try hv run "$ID"
		refused "annotation run.oci.pidfd_receiver: $text" || fail "with $path"
	done <<-EOF
		$SCRATCH/none|connect to $SCRATCH/none: No such file or directory
		$SCRATCH/file|connect to $SCRATCH/file: Connection refused
		$long/sock|connect to $long/sock: No such file or directory
		relative|"relative" is not an absolute path without
		/run/../sock|"/run/../sock" is not an absolute path without
	EOF
	not test -e "$SCRATCH/made"
	try hv state "$ID"
	refused "does not exist"
}

@test "LISTEN_FDS: descriptors go in, with LISTEN_FDS and LISTEN_PID, before the preserved ones" {
	not_hyperv "descriptors cannot be passed into a machine"
	echo one >"$SCRATCH/1"
	echo two >"$SCRATCH/2"
	process /bin/sh -c 'cat <&3; cat <&4; echo "$LISTEN_FDS $LISTEN_PID"; ls /proc/self/fd/5'
	status=0
	LISTEN_FDS=1 timeout 20 "${HV[@]}" run --preserve-fds 1 "$ID" >"$SCRATCH/stdout" 2>"$SCRATCH/stderr" </dev/null 3<"$SCRATCH/1" 4<"$SCRATCH/2" || status=$?
	output=$(cat "$SCRATCH/stdout")
	has one two '1 1'
	# another process's: not ours to take
	LISTEN_FDS=1 LISTEN_PID=1 timeout 20 "${HV[@]}" run "$ID" >"$SCRATCH/stdout" 2>"$SCRATCH/stderr" </dev/null 3<"$SCRATCH/1" 4>&- || true
	not grep -q one "$SCRATCH/stdout"
}

@test "LISTEN_FDS cannot be kept by a machine, and says so" {
	only_hyperv "descriptors are passed"
	only_hvrun
	process /bin/init exit 0
	status=0
	LISTEN_FDS=1 "${HV[@]}" run "$ID" >"$SCRATCH/stdout" 2>"$SCRATCH/stderr" </dev/null 3</dev/null 4>&- || status=$?
	output=$(cat "$SCRATCH/stdout") errors=$(cat "$SCRATCH/stderr")
	refused "virtual machine"
}

manager()
{
	socat -u "UNIX-RECV:$SCRATCH/manager" "OPEN:$SCRATCH/said,creat,append" 3>&- 4>&- &
	eventually test -S "$SCRATCH/manager"
	: >>"$SCRATCH/said"
}

@test "notifications reach the service manager, with the host's pid" {
	not_hyperv "notifications do not leave a machine"
	skip_unless "no socat" command -v socat
	manager
	process /bin/sh -c '/bin/init notify "STATUS=starting"; sleep 0.3; /bin/init notify "READY=1\nMAINPID=1\nFDSTORE=1"; /bin/init notify "RELOADING=1" "STATUS=up" "WATCHDOG=1" "MAINPID=4711" "STOPPING=1"; sleep 1000'
	NOTIFY_SOCKET=$SCRATCH/manager create "$ID"
	status_is 0
	before=$(date +%s%N)
	NOTIFY_SOCKET=$SCRATCH/manager hv start "$ID"
	# start has waited for READY=1
	[ $(($(date +%s%N) - before)) -gt 250000000 ]
	file_has "$SCRATCH/said" "^READY=1"
	eventually file_has "$SCRATCH/said" "^STOPPING=1"
	same "$(xargs <"$SCRATCH/said")" "STATUS=starting READY=1 MAINPID=$(container_pid "$ID") RELOADING=1 STATUS=up WATCHDOG=1 STOPPING=1"
	hv kill "$ID" KILL
}

@test "start does not wait for what has ended, nor without NOTIFY_SOCKET" {
	not_hyperv "notifications do not leave a machine"
	skip_unless "no socat" command -v socat
	manager
	process /bin/init exit 0
	NOTIFY_SOCKET=$SCRATCH/manager create "$ID"
	NOTIFY_SOCKET=$SCRATCH/manager hv start "$ID"
	eventually is_state "$ID" stopped
	hv delete "$ID"
	process /bin/init pause
	background "$ID"
	is_state "$ID" running
}

@test "what a container said that has ended by the time start returns is passed on" {
	not_hyperv "notifications do not leave a machine"
	skip_unless "no socat" command -v socat
	manager
	process /bin/init notify 'READY=1' 'STATUS=last words'
	# the hook outlasts the container, and comes before anybody passes on
	printf '#!/bin/sh\nwhile grep -q "^State:[^ZX]*$" /proc/$(jq .pid)/status; do sleep 0.01; done\n' >"$SCRATCH/outlast"
	chmod +x "$SCRATCH/outlast"
	config '.hooks.poststart = [{"path": $hook, "timeout": 20}]' --arg hook "$SCRATCH/outlast"
	NOTIFY_SOCKET=$SCRATCH/manager try hv run "$ID"
	status_is 0
	eventually file_has "$SCRATCH/said" "STATUS=last words"
}

@test "in the foreground, notifications go on while the container runs" {
	not_hyperv "notifications do not leave a machine"
	skip_unless "no socat" command -v socat
	manager
	process /bin/init notify 'READY=1' 'STATUS=now'
	NOTIFY_SOCKET=$SCRATCH/manager try hv run "$ID"
	status_is 0
	has 'notify: ok'
	eventually file_has "$SCRATCH/said" "STATUS=now"
}
