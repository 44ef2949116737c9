# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck disable=SC2015,SC2016,SC2153,SC2154 # chains that end in fail; texts for the guest's shell; names that lib.bash sets
# debug-shell: a program of the operator's in the virtual machine of a container, beside the container.

load lib

setup_test()
{
	only_hvrun
	skip_unless "no static busybox at $BUSYBOX" test -x "$BUSYBOX"
	process /bin/init pause
}

# The operator's word: "allow PROGRAM..."
allow()
{
	jq -n '{hyperv: {debug_shell: $ARGS.positional}}' --args -- "$@" >"$SCRATCH/hvrun.json"
	PLAIN+=(--config-file "$SCRATCH/hvrun.json")
	HV+=(--config-file "$SCRATCH/hvrun.json")
}

# A shell that says "shell: PID" and stays, in the background; its output is in $SCRATCH/shell, which is emptied here: the
# job may do so only after the first look, and what an earlier shell said would be taken for this one's.
shell_in_background()
{
	: >"$SCRATCH/shell"
	"${HV[@]}" debug-shell "$@" -- sh -c 'echo "shell: $$"; while :; do sleep 0.1; done' >"$SCRATCH/shell" 2>&1 </dev/null 3>&- 4>&- &
	SHELL_JOB=$!
	eventually file_has "$SCRATCH/shell" 'shell: [0-9]'
	SHELL_PID=$(tr -d '\r' <"$SCRATCH/shell" | sed -n 's/^shell: //p')
}

# Waits for its end, whose status is in $status.
shell_ended()
{
	eventually is_gone "$SHELL_JOB"
	status=0
	wait "$SHELL_JOB" || status=$?
}

# What is said in one line on stderr, with the status of a verb whose lower ones are the command's.
says()
{
	status_is 255
	[ -z "$output" ] || fail "nothing on stdout was expected"
	[ "$(grep -c . <<<"$errors")" = 1 ] || fail "one line on stderr was expected"
	errors_have "$@"
}

@test "Default: there is no machine to look into, and the message says so" {
	not_hyperv "it has one"
	allow "$BUSYBOX"
	background "$ID"
	try hv debug-shell "$ID" -- true
	says "debug-shell: container \"$ID\" is of runtime type Default.*no virtual machine"
}

@test "not without the operator's word: not by a bundle's, nor for a container that is not there" {
	only_hyperv "there is no machine"
	config '.annotations = {"hyperv.debug_shell": $b, "io.hvrun.debug_shell": $b, "io.hvrun.debug-shell": $b}' --arg b "$BUSYBOX"
	background "$ID"
	try hv debug-shell "$ID" -- true
	says 'debug-shell: not allowed here.*hyperv\.debug_shell in the configuration file'
	allow
	try hv debug-shell "$ID" -- true
	says 'debug-shell: not allowed here.*hyperv\.debug_shell in the configuration file'
	allow "$BUSYBOX"
	try hv debug-shell "$ID" -- true
	status_is 0
	try hv debug-shell "x-$ID" -- true
	says "container \"x-$ID\" does not exist"
	hv kill "$ID" KILL
	eventually is_state "$ID" stopped
	try hv debug-shell "$ID" -- true
	says 'debug-shell: container not running'
}

@test "programs that cannot be used: the key, the file, and why" {
	only_hyperv "there is no machine"
	background "$ID"
	other=$SCRATCH/other
	cp "$BUSYBOX" "$other"
	printf '\363\000' | dd of="$other" bs=1 seek=18 conv=notrunc status=none # e_machine, elf(5): EM_RISCV
	echo '#!/bin/sh' >"$SCRATCH/script"
	mkfifo "$SCRATCH/fifo"
	allow /nowhere/sh
	try hv debug-shell "$ID" -- true
	says 'hyperv\.debug_shell\[0\]: /nowhere/sh: open: No such file'
	allow "$SCRATCH/fifo"
	try hv debug-shell "$ID" -- true
	says 'hyperv\.debug_shell\[0\]: .*/fifo: not a regular file'
	allow "$other" "$SCRATCH/script"
	try hv debug-shell "$ID" -- true
	says 'hyperv\.debug_shell\[1\]: .*/script: not a program'
	allow "$(type -P jq)"
	try hv debug-shell "$ID" -- true
	says 'hyperv\.debug_shell\[0\]: .*/jq: not a static program'
	allow "$other"
	try hv debug-shell "$ID" -- true
	says 'hyperv\.debug_shell: no program for a[mr][a-z0-9]*, the guest.s architecture \(.*/other is for riscv64\)'
	allow "$other" "$BUSYBOX"
	try hv debug-shell "$ID" -- echo fits
	status_is 0
	output_is fits
	echo '{"hyperv": {"debug_shell": ["busybox"]}}' >"$SCRATCH/hvrun.json"
	try hv debug-shell "$ID" -- true
	says 'hyperv\.debug_shell\[0\].*an absolute path'
	is_state "$ID" running
}

@test "a command: its exit status, outputs and input" {
	only_hyperv "there is no machine"
	allow "$BUSYBOX"
	background "$ID"
	try hv debug-shell "$ID" sh -c 'echo out; echo err >&2; exit 7'
	status_is 7
	output_is out
	same "$errors" err "stderr"
	try hv debug-shell "$ID" -- no-such-command
	status_is 127
	try hv debug-shell "$ID" sh -c 'kill -KILL $$'
	status_is 137
	printf 'echo "read: $0"; false; exit 3\n' >"$SCRATCH/script"
	try_stdin "$SCRATCH/script" hv debug-shell "$ID"
	status_is 3
	output_is 'read: sh'
	head -c 300000 /dev/urandom >"$SCRATCH/data"
	hv debug-shell "$ID" cat <"$SCRATCH/data" >"$SCRATCH/back"
	cmp "$SCRATCH/data" "$SCRATCH/back"
	try hv debug-shell --help
	status_is 0
	has '.*debug-shell \[command options\] <container-id> .*' ' *-t, --tty .*'
}

@test "it sees the guest, and the container sees nothing of it" {
	only_hyperv "there is no machine"
	allow "$BUSYBOX"
	process /bin/sh -c 'echo ready:; while :; do sleep 1000; done'
	background "$ID"
	shell_in_background -t "$ID"
	try hv debug-shell "$ID" sh -c 'ps -o pid,args; cat /proc/1/comm; id; grep -c . /proc/mounts; ip link; dmesg | grep -m 1 "Linux version"'
	status_is 0
	has ' *1 .*init.*' ' *[0-9]+ sleep 1000' " *$SHELL_PID .*" 'hvrun-agent' 'uid=0.*' '[0-9]*: lo:.*' '.*Linux version.*'
	try hv debug-shell "$ID" sh -c 'for ns in mnt pid net ipc uts cgroup; do [ "$(readlink /proc/1/ns/$ns)" = "$(readlink /proc/self/ns/$ns)" ] || echo "other $ns"; done
		mount -t tmpfs none /tmp 2>/dev/null || mkdir /run/made && echo made; mount | grep /run/share'
	status_is 0
	lacks 'other'
	has made 'share on /run/share .*'
	try hv exec "$ID" /bin/ps -o pid,args
	has ' *[0-9]+ sleep 1000'
	lacks 'shell: ' 'debug'
	try hv exec "$ID" /bin/ls /dev/pts
	output_is ptmx
	try hv exec "$ID" /bin/ls /run/made
	status_is 1
	hv kill "$ID" KILL
	shell_ended
	status_is 137
}

@test "a terminal: its size follows, keys are signals, and /dev/tty is it" {
	only_hyperv "there is no machine"
	allow "$BUSYBOX"
	background "$ID"
	mkfifo "$SCRATCH/keys"
	"$CONSOLE" run --size 33x77 --resize 'first-42' 44x88 "${HV[@]}" debug-shell "$ID" >"$SCRATCH/tty" <"$SCRATCH/keys" 2>&1 3>&- &
	exec 9>"$SCRATCH/keys"
	eventually file_has "$SCRATCH/tty" "guest of $ID. / #"
	# what is typed comes back, too, but not what it comes to
	echo 'stty size; echo on-tty-$((40 + 1)) >/dev/tty; echo first-$((40 + 2))' >&9
	eventually file_has "$SCRATCH/tty" '^33 77'
	eventually file_has "$SCRATCH/tty" '^on-tty-41'
	eventually file_has "$SCRATCH/tty" '^first-42'
	echo 'until [ "$(stty size)" = "44 88" ]; do sleep 0.1; done; echo size-$((40 + 3))' >&9
	eventually file_has "$SCRATCH/tty" '^size-43'
	echo 'echo waiting-$((40 + 4)); sleep 1000' >&9
	eventually file_has "$SCRATCH/tty" '^waiting-44'
	printf '\003' >&9
	echo 'exit 9' >&9
	exec 9>&-
	status=0
	wait %1 || status=$?
	status_is 9
}

@test "also when the container stands still, has not been started, or is not made yet" {
	only_hyperv "there is no machine"
	allow "$BUSYBOX"
	config '.hooks.createRuntime = [{"path": "/bin/sh", "args": ["sh", "-c", $hook]}]' \
		--arg hook "touch $SCRATCH/hooked; for i in \$(seq 600); do [ -e $SCRATCH/go ] && break; sleep 0.1; done"
	create "$ID" &
	eventually test -e "$SCRATCH/hooked"
	eventually hv debug-shell "$ID" -- true # it has to boot
	shell_in_background "$ID"
	is_state "$ID" creating # create holds the lock
	kill -TERM "$SHELL_JOB" # is passed on
	shell_ended
	status_is 143
	touch "$SCRATCH/go"
	wait %1
	is_state "$ID" created
	try hv debug-shell "$ID" -- echo created
	output_is created
	hv start "$ID"
	hv pause "$ID"
	try hv exec "$ID" /bin/init exit 0
	status_is 255
	try hv debug-shell "$ID" -- echo paused
	status_is 0
	output_is paused
	hv resume "$ID"
}

@test "a caller that is killed leaves nothing in the guest, nor does one whose stand-in is" {
	only_hyperv "there is no machine"
	allow "$BUSYBOX"
	background "$ID"
	for option in -t ''; do
		for whose in stand-in caller; do
			# shellcheck disable=SC2086 # an option, or none
			shell_in_background $option "$ID"
			victim=$SHELL_JOB
			[ $whose = caller ] || victim=$(pgrep -f "^hvrun-vmwp $ID debug-shell")
			hv debug-shell "$ID" -- test -d "/proc/$SHELL_PID"
			kill -KILL "$victim"
			shell_ended
			# on a busy host hvrun may not have heard yet that the shell runs
			[ "$status" = 137 ] || { [ $whose = stand-in ] && status_is 255; }
			eventually hv debug-shell "$ID" -- test ! -d "/proc/$SHELL_PID"
		done
	done
	is_state "$ID" running
}

@test "pods: a member's machine is its sandbox's, also when the member has ended" {
	only_hyperv "there is no machine"
	allow "$BUSYBOX"
	config '.annotations = {"io.kubernetes.cri.container-type": "sandbox", "io.kubernetes.cri.sandbox-id": $id}' --arg id "$ID"
	background "$ID"
	make_bundle "$SCRATCH/member"
	config_of "$SCRATCH/member" '.process.args = ["/bin/sleep", "1234"] | .annotations = {"io.kubernetes.cri.container-type": "container", "io.kubernetes.cri.sandbox-id": $id}
		| .linux.namespaces |= map(select(.type == "network").path = "/proc/" + $pid + "/ns/net") | del(.hostname)' --arg id "$ID" --arg pid "$(container_pid "$ID")"
	(cd "$SCRATCH/member" && plain run -d "$ID-m" >"$SCRATCH/m.out" 2>"$SCRATCH/m.err" </dev/null)
	try hv debug-shell "$ID-m" -- ps -o args
	status_is 0
	has 'sleep 1234|/bin/sleep 1234' '/bin/init pause'
	hv kill "$ID-m" KILL
	eventually is_state "$ID-m" stopped
	try hv debug-shell "$ID-m" -- ps -o args
	status_is 0
	lacks 'sleep 1234'
	has '/bin/init pause'
}
