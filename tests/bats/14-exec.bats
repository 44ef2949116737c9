# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck disable=SC2015,SC2016,SC2153,SC2154 # jq programs, and names that lib.bash sets
# exec: one more process in a running container.

load lib

setup_test()
{
	process /bin/init pause
}

@test "exec sees the container's processes and not the host's" {
	background "$ID"
	try hv exec "$ID" /bin/init all ls-proc , uname-r , hostname
	status_is 0
	has 'pid 1: init' "hostname: $(jq -r .hostname config.json)"
	# the two of the container, and nothing else
	same "$(grep -c '^pid ' <<<"$output")" 2 "number of processes"
	lacks 'pid .*: (bash|bats|qemu.*|hvrun.*)$'
	no_errors
	in_container=$(grep -x 'release: .*' <<<"$output")
	if is_hyperv; then
		[ "$in_container" != "release: $(uname -r)" ]
	else
		same "$in_container" "release: $(uname -r)"
	fi
}

@test "exec joins the container's namespaces" {
	config '.linux.namespaces += [{"type": "cgroup"}] | .linux.namespaces |= unique'
	background "$ID"
	hv exec "$ID" /bin/init namespaces | grep -v 'ns time' >"$SCRATCH/exec"
	# shellcheck disable=SC2016
	hv exec "$ID" /bin/sh -c 'for n in cgroup ipc mnt net pid user uts; do echo "ns $n: $(readlink /proc/1/ns/$n)"; done' >"$SCRATCH/init"
	diff "$SCRATCH/exec" "$SCRATCH/init"
}

@test "environment, working directory, user, groups, no_new_privs and capabilities" {
	config '.process.env = ["PATH=/bin", "BASE=from-config"] | .process.noNewPrivileges = false'
	background "$ID"
	try hv exec --env ADDED=by-exec --env "TWO=a b" "$ID" /bin/init print-env
	status_is 0
	has 'env: BASE=from-config' 'env: ADDED=by-exec' 'env: TWO=a b' 'env: PATH=/bin' 'env: HOME=/root'

	try hv exec --cwd /tmp --user 1000:2000 -g 3000 -g 4000 --no-new-privs "$ID" /bin/init all cwd , ids , caps , print-env
	status_is 0
	has 'cwd: /tmp' 'uid: 1000 1000' 'gid: 2000 2000' 'groups: 3000 4000( .*)?' 'NoNewPrivs: 1' 'CapEff: 0+' 'env: HOME=/home/user'

	try hv exec --cap CAP_SYS_CHROOT --cap CAP_NET_RAW "$ID" /bin/init caps
	status_is 0
	# those of the configuration: AUDIT_WRITE 29, KILL 5, NET_BIND_SERVICE 10; and 18, 13; never inheritable
	has 'CapEff: 0000000020042420' 'CapPrm: 0000000020042420' 'CapBnd: 0000000020042420' 'CapInh: 0000000000000000'
}

@test "numeric users are taken strictly" {
	only_hvrun
	background "$ID"
	for user in 1x x1 -1 4294967295 "1:" ":1" "1:2:3" ""; do
		try hv exec --user "$user" "$ID" /bin/init ids
		status_is 255
		lacks 'uid: '
	done
}

@test "exit codes: the process's own, 128 + signal" {
	background "$ID"
	for code in 0 7 255; do
		try hv exec "$ID" /bin/init exit "$code"
		status_is "$code"
	done
	for signal in TERM:143 KILL:137 SEGV:139; do
		try hv exec "$ID" /bin/init raise "${signal%:*}"
		status_is "${signal#*:}"
	done
	is_state "$ID" running
}

@test "255 when the process cannot be started, and the container goes on" {
	touch rootfs/bin/not-executable
	background "$ID"
	before=$(snapshot)
	try hv exec "$ID" /bin/no-such-program
	status_is 255
	errors_have "no such file or directory|executable file not found"
	try hv exec "$ID" no-such-program-in-path
	status_is 255
	errors_have 'executable file not found in \$PATH'
	try hv exec "$ID" /bin/not-executable
	status_is 255
	errors_have "permission denied"
	try hv exec -d --pid-file /no/such/dir/pid "$ID" /bin/init sleep 1
	status_is 255
	errors_have "/no/such/dir/"
	try hv exec --cwd relative "$ID" /bin/init exit 0
	status_is 255
	errors_have "absolute path"
	machine_unchanged "$before"
	is_state "$ID" running
}

@test "everything after the id is the command, options too" {
	background "$ID"
	try hv exec "$ID" /bin/init args -x --help --env=A=b -- last
	status_is 0
	output_is "$(printf 'arg: %s\n' -x --help --env=A=b -- last)"
}

@test "stdin, stdout and stderr of exec" {
	background "$ID"
	try hv exec "$ID" /bin/init echo-both one two
	output_is one
	same "$errors" two
	head -c 1000000 /dev/urandom >"$SCRATCH/data"
	hv exec "$ID" /bin/init cat <"$SCRATCH/data" >"$SCRATCH/back"
	cmp "$SCRATCH/data" "$SCRATCH/back"
}

@test "exec --detach with a pid file: the process lives on and can be waited for" {
	background "$ID"
	hv exec -d --pid-file "$SCRATCH/exec.pid" "$ID" /bin/sh -c 'echo in-background; exec sleep 100' >"$SCRATCH/exec.out" 2>&1 </dev/null
	grep -qxE '[0-9]+' "$SCRATCH/exec.pid"
	pid=$(<"$SCRATCH/exec.pid")
	[ "$pid" != "$(container_pid "$ID")" ]
	eventually file_has "$SCRATCH/exec.out" in-background
	[ -d "/proc/$pid" ]
	try hv exec "$ID" /bin/init ls-proc
	has 'pid [0-9]+: sleep'
	kill -KILL "$pid"
	eventually is_gone "$pid"
	is_state "$ID" running
	gone_inside()
	{
		hv exec "$ID" /bin/init ls-proc >"$SCRATCH/pids" && ! grep -q ': sleep' "$SCRATCH/pids"
	}
	eventually gone_inside
}

@test "exec --process takes a process object" {
	background "$ID"
	jq -n '{args: ["/bin/init", "all", "args", "from file", ",", "ids", ",", "cwd", ",", "print-env"], cwd: "/tmp",
		env: ["PATH=/bin", "ONLY=this"], user: {uid: 1000, gid: 1000, additionalGids: [5]}}' >"$SCRATCH/process.json"
	try hv exec --process "$SCRATCH/process.json" "$ID"
	status_is 0
	has 'arg: from file' 'uid: 1000 1000' 'groups: 5( .*)?' 'cwd: /tmp' 'env: ONLY=this'
	lacks 'env: TERM'
	echo '{"args": [], "cwd": "/"}' >"$SCRATCH/process.json"
	try hv exec --process "$SCRATCH/process.json" "$ID"
	status_is 255
	errors_have args
	try hv exec --process "$SCRATCH/nothing.json" "$ID"
	status_is 255
	errors_have "nothing.json.*no such file"
	try hv exec "$ID"
	[ "$status" != 0 ]
}

@test "exec --process: what it leaves out is as of the container's own process" {
	config '.process.noNewPrivileges = true | .process.rlimits = [{type: "RLIMIT_NOFILE", soft: 300, hard: 400}]'
	background "$ID"
	jq -n '{args: ["/bin/init", "all", "caps", ",", "getrlimit"], cwd: "/"}' >"$SCRATCH/process.json"
	try hv exec --process "$SCRATCH/process.json" "$ID"
	status_is 0
	has 'CapEff: 0000000020000420' 'CapBnd: 0000000020000420' 'NoNewPrivs: 1' 'rlimit RLIMIT_NOFILE: 300 400'
	jq '. + {noNewPrivileges: false, capabilities: {}, rlimits: [{type: "RLIMIT_NOFILE", soft: 200, hard: 250}]}' "$SCRATCH/process.json" >"$SCRATCH/other.json"
	try hv exec --process "$SCRATCH/other.json" --cap CAP_KILL "$ID"
	status_is 0
	has 'CapEff: 0000000000000020' 'NoNewPrivs: 0' 'rlimit RLIMIT_NOFILE: 200 250'
	try hv exec --cwd '' "$ID" /bin/init all ids , cwd
	status_is 0
	has 'uid: 0 0' 'cwd: /'
}

@test "several at the same time" {
	background "$ID"
	for n in 1 2 3 4 5; do
		hv exec "$ID" /bin/sh -c "sleep 0.2; echo number $n; exit $n" >"$SCRATCH/exec.$n" 2>&1 </dev/null &
		eval "pid_$n=\$!"
	done
	for n in 1 2 3 4 5; do
		status=0
		eval "wait \$pid_$n" || status=$?
		status_is $n
		same "$(<"$SCRATCH/exec.$n")" "number $n"
	done
}

@test "the end of the container ends an exec" {
	background "$ID"
	hv exec "$ID" /bin/init pause >"$SCRATCH/exec.out" 2>&1 </dev/null &
	eventually file_has "$SCRATCH/exec.out" ready
	hv kill "$ID" KILL
	status=0
	wait %1 || status=$?
	status_is 137
	eventually is_state "$ID" stopped
}

@test "a label or profile that nobody here can enforce is refused by name" {
	only_hvrun || return
	skip_unless "SELinux is enabled on this machine" test ! -e /sys/fs/selinux/enforce || return
	background "$ID"
	try hv exec --process-label system_u:system_r:container_t:s0 "$ID" /bin/init exit 0
	status_is 255
	errors_have 'process.selinuxLabel: .*system_u:system_r:container_t:s0'
	try hv exec --apparmor hvtest-none "$ID" /bin/init exit 0
	status_is 255
	errors_have 'process.apparmorProfile: .*hvtest-none'
	is_state "$ID" running
}
