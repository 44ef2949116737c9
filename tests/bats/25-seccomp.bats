# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck disable=SC2015,SC2016,SC2153,SC2154 # jq programs, and names that lib.bash sets
# linux.seccomp: runtime-spec config-linux.md, "Seccomp".

load lib

@test "errno, with a number of its own, and allow" {
	config '.linux.seccomp = {"defaultAction": "SCMP_ACT_ALLOW", "architectures": ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32"], "syscalls": [
		{"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_ERRNO"},
		{"names": ["getcwd"], "action": "SCMP_ACT_ERRNO", "errnoRet": 38},
		{"names": ["no_such_system_call"], "action": "SCMP_ACT_ERRNO"}]}'
	checks caps , seccomp-test mkdir getcwd socket uname
	run_ok
	has 'Seccomp: 2' 'call mkdir: EPERM' 'call getcwd: ENOSYS' 'call socket: ok' 'call uname: ok'
}

@test "without a profile there is no filter" {
	config 'del(.linux.seccomp)'
	checks caps
	run_ok
	has 'Seccomp: 0'
}

@test "kill ends the process by SIGSYS, and run says so" {
	config '.linux.seccomp = {"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["socket"], "action": "SCMP_ACT_KILL_PROCESS"}]}'
	checks seccomp-test uname socket uname
	try hv run "$ID"
	status_is 159
	output_is "call uname: ok"
}

@test "the default action is for what is not named" {
	config '.linux.seccomp = {"defaultAction": "SCMP_ACT_ERRNO", "defaultErrnoRet": 1, "syscalls": [{"action": "SCMP_ACT_ALLOW", "names": ["execve", "execveat", "exit", "exit_group",
		"read", "write", "writev", "open", "openat", "close", "brk", "mmap", "munmap", "mprotect", "arch_prctl", "set_tid_address", "set_robust_list",
		"rseq", "prlimit64", "readlink", "readlinkat", "getrandom", "newfstatat", "fstat", "futex", "uname", "clock_gettime", "rt_sigreturn", "rt_sigaction", "rt_sigprocmask",
		"capget", "capset", "prctl", "setuid", "setgid", "setgroups", "setresuid", "setresgid", "setgid", "getppid", "getpid", "epoll_wait", "epoll_pwait", "epoll_ctl", "nanosleep",
		"fcntl", "getdents64", "lseek", "sched_yield", "tgkill", "fstatfs", "statfs", "umask", "sigaltstack", "close_range", "mincore", "gettid", "clone", "clone3", "madvise", "stat", "chdir", "getcwd", "fchdir"]}]}'
	checks seccomp-test uname socket setpriority
	run_ok
	has 'call uname: ok' 'call socket: EPERM' 'call setpriority: EPERM'
}

@test "arguments decide" {
	# personality, unshare and the like take flags: CLONE_NEWNS is 0x20000, AF_UNIX is 1
	config '.linux.seccomp = {"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [
		{"names": ["socket"], "action": "SCMP_ACT_ERRNO", "errnoRet": 97, "args": [{"index": 0, "value": 1, "op": "SCMP_CMP_EQ"}]},
		{"names": ["unshare"], "action": "SCMP_ACT_ERRNO", "errnoRet": 38, "args": [{"index": 0, "value": 131072, "valueTwo": 131072, "op": "SCMP_CMP_MASKED_EQ"}]},
		{"names": ["setpriority"], "action": "SCMP_ACT_ERRNO", "errnoRet": 22, "args": [{"index": 0, "value": 5, "op": "SCMP_CMP_GT"}]}]}'
	checks seccomp-test socket unshare setpriority
	run_ok
	has 'call socket: EAFNOSUPPORT' 'call unshare: ENOSYS' 'call setpriority: ok'
}

@test "exec is filtered too" {
	config '.linux.seccomp = {"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["socket"], "action": "SCMP_ACT_ERRNO", "errnoRet": 13}]}'
	process /bin/init pause
	background "$ID"
	try hv exec "$ID" /bin/init all seccomp-test socket uname , caps
	status_is 0
	has 'call socket: EACCES' 'call uname: ok' 'Seccomp: 2'
}

@test "a profile works with and without no_new_privs" {
	config '.process.noNewPrivileges = false | .process.user = {"uid": 1000, "gid": 1000}
		| .linux.seccomp = {"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["socket"], "action": "SCMP_ACT_ERRNO"}]}'
	checks seccomp-test socket , caps , ids
	run_ok
	has 'call socket: EPERM' 'Seccomp: 2' 'NoNewPrivs: 0' 'uid: 1000 1000'
}

@test "wrong profiles are refused by name" {
	before=$(snapshot)
	config '.linux.seccomp = {"defaultAction": "SCMP_ACT_MAYBE"}'
	try hv run "$ID"
	status_is 1
	errors_have SCMP_ACT_MAYBE
	config '.linux.seccomp = {"defaultAction": "SCMP_ACT_ALLOW", "architectures": ["SCMP_ARCH_Z80"]}'
	try hv run "$ID"
	status_is 1
	errors_have "SCMP_ARCH_Z80"
	config '.linux.seccomp = {"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["mkdir"], "action": "SCMP_ACT_ERRNO", "args": [{"index": 9, "value": 1, "op": "SCMP_CMP_EQ"}]}]}'
	try hv run "$ID"
	status_is 1
	machine_unchanged "$before"
	only_hvrun
	config '.linux.seccomp = {"syscalls": []}'
	try hv run "$ID"
	refused "linux.seccomp.*defaultAction"
	machine_unchanged "$before"
}

@test "run.oci.seccomp_fail_unknown_syscall: an unknown name is an error" {
	only_hvrun
	config '.linux.seccomp = {"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["mkdir", "no_such_call"], "action": "SCMP_ACT_ERRNO"}]}'
	run_ok
	config '.annotations["run.oci.seccomp_fail_unknown_syscall"] = "1"'
	try hv create "$ID"
	refused 'linux.seccomp.syscalls\[0\].names\[1\]: unknown system call "no_such_call"'
}

# Instructions "CODE JT JF K" of a raw filter, as what struct sock_filter is in the containers' memory (little-endian), in base64.
raw_filter()
{
	local code jt jf k
	while read -r code jt jf k; do
		printf "$(printf '\\x%02x\\x%02x\\x%02x\\x%02x\\x%02x\\x%02x\\x%02x\\x%02x' $((code & 255)) $((code >> 8)) "$jt" "$jf" \
			$((k & 255)) $((k >> 8 & 255)) $((k >> 16 & 255)) $((k >> 24 & 255)))"
	done | base64 -w 0
}

# One that answers to system call 4999, which is none, with errno 99, and allows all others.
raw_for_newer()
{
	raw_filter <<-EOF
		0x20 0 0 0
		0x15 0 1 4999
		0x06 0 0 0x00050063
		0x06 0 0 0x7fff0000
	EOF
}

@test "run.oci.seccomp_bpf_data: a compiled filter in place of linux.seccomp, for exec too; a cached one has no part in it" {
	only_hvrun
	config '.linux.seccomp = {"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["socket"], "action": "SCMP_ACT_ERRNO", "errnoRet": 13}]}'
	checks caps , seccomp-test socket newer
	run_ok
	has 'Seccomp: 2' 'call socket: EACCES' 'call newer: ENOSYS'
	config '.annotations["run.oci.seccomp_bpf_data"] = $data' --arg data "$(raw_for_newer)"
	for round in 1 2; do
		run_ok
		has 'Seccomp: 2' 'call socket: ok' 'call newer: EADDRNOTAVAIL'
	done
	config 'del(.linux.seccomp)'
	process /bin/init pause
	background "$ID"
	try hv exec "$ID" /bin/init all seccomp-test socket newer , caps
	status_is 0
	has 'call socket: ok' 'call newer: EADDRNOTAVAIL' 'Seccomp: 2'
	hv delete -f "$ID"
	config 'del(.annotations) | .linux.seccomp = {"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["socket"], "action": "SCMP_ACT_ERRNO", "errnoRet": 13}]}'
	checks seccomp-test socket newer
	run_ok
	has 'call socket: EACCES' 'call newer: ENOSYS'
}

@test "run.oci.seccomp_bpf_data: what is no filter, and what it contradicts, is refused" {
	only_hvrun
	before=$(snapshot)
	cp config.json plain.json
	long=$(head -c 32776 /dev/zero | base64 -w 0)
	while IFS='|' read -r data program text; do
		cp plain.json config.json
		config '.annotations["run.oci.seccomp_bpf_data"] = $data | '"$program" --arg data "$data"
		try hv create "$ID"
		refused "$text" && machine_unchanged "$before" || fail "with $program" || return 1
	done <<-EOF
		AAA|.|annotation run.oci.seccomp_bpf_data: is not base64
		AAAA|.|annotation run.oci.seccomp_bpf_data: has 3 bytes
		|.|annotation run.oci.seccomp_bpf_data: has 0 bytes
		$long|.|has more instructions than the kernel takes
		$(raw_filter <<<"0x20 0 0 0")|.|instruction 0, the last one, does not return
		$(raw_filter <<<"0x06 0 0 0x7fc00000")|.|notifies a listener
		$(raw_for_newer)|.annotations["run.oci.seccomp_fail_unknown_syscall"] = "1"|no names that run.oci.seccomp_fail_unknown_syscall
		$(raw_for_newer)|.linux.seccomp = {"defaultAction": "SCMP_ACT_ALLOW", "listenerPath": "/x", "syscalls": [{"names": ["mkdir"], "action": "SCMP_ACT_NOTIFY"}]}|syscalls\[0\].action: SCMP_ACT_NOTIFY cannot be had together
	EOF
}
