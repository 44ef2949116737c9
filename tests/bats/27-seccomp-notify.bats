# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck disable=SC2015,SC2016,SC2030,SC2031,SC2153,SC2154 # jq programs, and names that lib.bash sets
# linux.seccomp with a listener (runtime-spec config-linux.md, "Seccomp", "The Container Process State"), the answer to
# system calls that are newer than a profile, and the cache of compiled filters.

load lib

AGENT=$HVTEST_BIN/bats/helpers/agent

setup_test()
{
	SOCKET=$SCRATCH/agent.sock
	mkdir "$SCRATCH/agent"
}

# The agent goes before the library looks for what is left.
eval "lib_$(declare -f teardown)"
teardown()
{
	[ -z "${AGENT_PID-}" ] || kill "$AGENT_PID"
	lib_teardown
}

# A profile that asks the agent about these calls: "notified CALL..."
notified()
{
	config '.linux.seccomp = {"defaultAction": "SCMP_ACT_ALLOW", "listenerPath": $socket, "listenerMetadata": "some words",
		"syscalls": [{"names": ($ARGS.positional), "action": "SCMP_ACT_NOTIFY"}]}' --arg socket "$SOCKET" --args -- "$@"
}

agent()
{
	"$AGENT" "$SOCKET" "$SCRATCH/agent" >"$SCRATCH/agent.out" 2>&1 3>&- 4>&- &
	AGENT_PID=$!
	eventually file_has "$SCRATCH/agent.out" listening
}

# A member of the N-th container process state.
told()
{
	jq -r "$2" "$SCRATCH/agent/state.$1"
}

@test "the listener gets the container process state and decides" {
	not_hyperv "a listener on the host cannot serve a guest's kernel"
	agent
	notified mkdir mkdirat getcwd
	checks seccomp-test mkdir getcwd uname , caps
	run_ok
	has 'call mkdir: ENOMEDIUM' 'call getcwd: ok' 'call uname: ok' 'Seccomp: 2'
	same "$(cat "$SCRATCH/agent/fds.1")" 1
	same "$(told 1 '.fds == ["seccompFd"]')" true
	same "$(told 1 .metadata)" "some words"
	same "$(told 1 .state.id)" "$ID"
	same "$(told 1 .state.status)" creating
	same "$(told 1 .state.bundle)" "$BUNDLE"
	same "$(told 1 '.pid == .state.pid and .pid > 1')" true
	same "$(told 1 '.ociVersion == .state.ociVersion')" true
	[ ! -e "$SCRATCH/agent/state.2" ]
}

@test "an abstract socket" {
	not_hyperv "a listener on the host cannot serve a guest's kernel"
	SOCKET=@hvtest-$TAG
	agent
	notified mkdir mkdirat
	checks seccomp-test mkdir
	run_ok
	has 'call mkdir: ENOMEDIUM'
}

@test "the listener is there when create returns, with any privileges" {
	not_hyperv "a listener on the host cannot serve a guest's kernel"
	agent
	# everything that the way to the user's program calls goes through the agent
	notified mkdir mkdirat setresuid setresgid setgroups capset prctl read accept4 sendmsg recvmsg chdir openat close execve
	config '.process.noNewPrivileges = false | .process.user = {"uid": 1000, "gid": 1000}'
	checks seccomp-test mkdir , ids
	create "$ID"
	status_is 0
	same "$(told 1 .pid)" "$(container_pid "$ID")"
	is_state "$ID" created
	try hv start "$ID"
	status_is 0
	eventually file_has "$SCRATCH/$ID.out" 'call mkdir: ENOMEDIUM'
	eventually file_has "$SCRATCH/$ID.out" 'uid: 1000 1000'
}

@test "exec has a connection of its own" {
	not_hyperv "a listener on the host cannot serve a guest's kernel"
	agent
	notified mkdir mkdirat
	process /bin/init pause
	background "$ID"
	try hv exec "$ID" /bin/init seccomp-test mkdir uname
	status_is 0
	has 'call mkdir: ENOMEDIUM' 'call uname: ok'
	same "$(told 2 .state.status)" running
	same "$(told 2 .state.pid)" "$(container_pid "$ID")"
	same "$(told 2 '.pid > 1 and .pid != .state.pid')" true
}

@test "without an agent nothing is made" {
	not_hyperv "a listener on the host cannot serve a guest's kernel"
	before=$(snapshot)
	notified mkdir
	checks uname
	try hv run "$ID"
	refused "listenerPath.*$SOCKET.*failed to connect with seccomp agent"
	machine_unchanged "$before"
}

@test "profiles that cannot be listened to" {
	before=$(snapshot)
	notified mkdir write
	try hv run "$ID"
	refused "SCMP_ACT_NOTIFY cannot be used for the write syscall|virtual machine"
	notified mkdir
	config 'del(.linux.seccomp.listenerPath, .linux.seccomp.listenerMetadata)'
	try hv run "$ID"
	refused "seccomp"
	config '.linux.seccomp = {"defaultAction": "SCMP_ACT_NOTIFY", "listenerPath": "/run/no"}'
	try hv run "$ID"
	refused "seccomp"
	machine_unchanged "$before"
}

@test "HyperV refuses a listener before anything is made" {
	only_hyperv "a listener on the same kernel is served"
	before=$(snapshot)
	agent
	notified mkdir
	try hv run "$ID"
	refused "SCMP_ACT_NOTIFY.*virtual machine"
	kill "$AGENT_PID"
	AGENT_PID=
	machine_unchanged "$before"
}

@test "a listenerPath that no rule needs is ignored" {
	config '.linux.seccomp = {"defaultAction": "SCMP_ACT_ALLOW", "listenerPath": "/no/such/socket", "syscalls": [{"names": ["mkdir"], "action": "SCMP_ACT_ERRNO"}]}'
	checks seccomp-test mkdir
	run_ok
	has 'call mkdir: EPERM'
}

@test "calls newer than the profile do not exist for it" {
	# openat2 (437) is the newest that is named; getcwd is older and not named; call 4999 is from a later day
	config '.linux.seccomp = {"defaultAction": "SCMP_ACT_ALLOW", "syscalls": []}'
	checks seccomp-test newer
	run_ok
	has 'call newer: ENOSYS'
	allowed '"openat2"'
	checks seccomp-test getcwd newer
	run_ok
	has 'call getcwd: EPERM' 'call newer: ENOSYS'
}

# A profile with the default EPERM that allows what a container's process needs, and the given calls.
allowed()
{
	config '.linux.seccomp = {"defaultAction": "SCMP_ACT_ERRNO", "defaultErrnoRet": 1, "syscalls": [{"action": "SCMP_ACT_ALLOW", "names": ['"$1"', "execve", "execveat",
		"exit", "exit_group", "read", "write", "writev", "open", "openat", "close", "brk", "mmap", "munmap", "mprotect", "arch_prctl", "set_tid_address",
		"set_robust_list", "rseq", "prlimit64", "readlink", "readlinkat", "getrandom", "newfstatat", "fstat", "futex", "rt_sigreturn", "rt_sigaction",
		"rt_sigprocmask", "capget", "capset", "prctl", "setgroups", "setresuid", "setresgid", "fcntl", "chdir", "fchdir", "getpid", "sendmsg", "recvmsg"]}]}'
}

cached()
{
	find "$ROOT/.cache/seccomp" -type f | wc -l
}

@test "filters are kept, and each profile has its own" {
	not_hyperv "the cache of the guest goes with it"
	for number in 1 2 1 2; do
		config '.linux.seccomp = {"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_ERRNO", "errnoRet": $n}]}' \
			--argjson n $number
		checks seccomp-test mkdir
		run_ok
		case $number in
		1) has 'call mkdir: EPERM' ;;
		2) has 'call mkdir: ENOENT' ;;
		esac
	done
	only_hvrun
	same "$(cached)" 2
	same "$(stat -c %a:%u "$ROOT/.cache/seccomp")" "700:$(id -u)"
	# damage is seen
	for file in "$ROOT"/.cache/seccomp/*; do
		printf 'x' | dd of="$file" bs=1 seek=$(($(stat -c %s "$file") - 4)) conv=notrunc status=none
	done
	run_ok
	has 'call mkdir: ENOENT'
}
