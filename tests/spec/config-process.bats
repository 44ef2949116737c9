# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck disable=SC2015,SC2016,SC2034,SC2153,SC2154 # jq programs, and names that the libraries set and use
# runtime-spec 1.3.0 config.md, "Process", "POSIX process", "Linux Process" and "POSIX-platform User".

load spec

@test "config.md#process: start needs process" {
	config 'del(.process)'
	create "$ID"
	status_is 0
	try hv start "$ID"
	refused process
}

@test "config.md#process: consoleSize without terminal is ignored" {
	config '.process.consoleSize = {"height": 25, "width": 80} | .process.terminal = false'
	process /bin/init isatty
	valid
	lacks ': yes|: tty|/dev/pts'
	config 'del(.process.terminal)'
	valid
}

@test "config.md#process: consoleSize.height is required" {
	config '.process.terminal = true | .process.consoleSize = {"height": 25, "width": 80}'
	required process.consoleSize.height
}

@test "config.md#process: consoleSize.width is required" {
	config '.process.terminal = true | .process.consoleSize = {"height": 25, "width": 80}'
	required process.consoleSize.width
}

@test "config.md#process: cwd is required" {
	required process.cwd
}

@test "config.md#process: cwd is absolute" {
	for cwd in relative ./here ""; do
		config '.process.cwd = $cwd' --arg cwd "$cwd"
		invalid process.cwd
	done
}

@test "config.md#process: args has an entry" {
	config '.process.args = []'
	invalid process.args
	required process.args
}

@test "config.md#posix-process: an rlimit's type is required" {
	config '.process.rlimits = [{"type": "RLIMIT_CORE", "soft": 1, "hard": 2}]'
	required 'process.rlimits[0].type'
}

@test "config.md#posix-process: an rlimit that the kernel does not have is an error" {
	for type in RLIMIT_NONSENSE RLIMIT_nofile NOFILE ""; do
		config '.process.rlimits = [{"type": $type, "soft": 1, "hard": 2}]' --arg type "$type"
		invalid 'process.rlimits\[0\]'
	done
}

@test "config.md#posix-process: getrlimit works for each type of rlimits" {
	config '.process.rlimits = [
		{"type": "RLIMIT_AS", "soft": 1073741824, "hard": 2147483648}, {"type": "RLIMIT_CORE", "soft": 1, "hard": 2},
		{"type": "RLIMIT_CPU", "soft": 100, "hard": 200}, {"type": "RLIMIT_DATA", "soft": 1073741824, "hard": 2147483648},
		{"type": "RLIMIT_FSIZE", "soft": 1048576, "hard": 2097152}, {"type": "RLIMIT_LOCKS", "soft": 10, "hard": 20},
		{"type": "RLIMIT_MSGQUEUE", "soft": 1000, "hard": 2000}, {"type": "RLIMIT_NICE", "soft": 0, "hard": 0},
		{"type": "RLIMIT_NOFILE", "soft": 50, "hard": 60}, {"type": "RLIMIT_NPROC", "soft": 100, "hard": 200},
		{"type": "RLIMIT_RSS", "soft": 1073741824, "hard": 2147483648}, {"type": "RLIMIT_RTPRIO", "soft": 0, "hard": 0},
		{"type": "RLIMIT_RTTIME", "soft": 1000000, "hard": 2000000}, {"type": "RLIMIT_SIGPENDING", "soft": 100, "hard": 200},
		{"type": "RLIMIT_STACK", "soft": 1048576, "hard": 2097152}]'
	process /bin/sh -c 'cat /proc/self/limits'
	valid
	has 'Max address space +1073741824 +2147483648 .*' 'Max core file size +1 +2 .*' 'Max cpu time +100 +200 .*' \
		'Max data size +1073741824 +2147483648 .*' 'Max file size +1048576 +2097152 .*' 'Max file locks +10 +20 .*' \
		'Max msgqueue size +1000 +2000 .*' 'Max nice priority +0 +0 *' 'Max open files +50 +60 .*' 'Max processes +100 +200 .*' \
		'Max resident set +1073741824 +2147483648 .*' 'Max realtime priority +0 +0 *' 'Max realtime timeout +1000000 +2000000 .*' \
		'Max pending signals +100 +200 .*' 'Max stack size +1048576 +2097152 .*'
}

@test "config.md#posix-process: an rlimit's soft limit is required" {
	config '.process.rlimits = [{"type": "RLIMIT_CORE", "soft": 1, "hard": 2}]'
	required 'process.rlimits[0].soft'
}

@test "config.md#posix-process: the soft limit is as configured" {
	config '.process.rlimits = [{"type": "RLIMIT_NOFILE", "soft": 123, "hard": 200}]'
	checks getrlimit
	run_ok
	has 'rlimit RLIMIT_NOFILE: 123 .*'
}

@test "config.md#posix-process: an rlimit's hard limit is required" {
	config '.process.rlimits = [{"type": "RLIMIT_CORE", "soft": 1, "hard": 2}]'
	required 'process.rlimits[0].hard'
}

@test "config.md#posix-process: the hard limit is as configured" {
	config '.process.rlimits = [{"type": "RLIMIT_NOFILE", "soft": 123, "hard": 234}]'
	checks getrlimit
	run_ok
	has 'rlimit RLIMIT_NOFILE: 123 234'
}

@test "config.md#posix-process: an rlimit named twice is an error" {
	config '.process.rlimits = [{"type": "RLIMIT_CORE", "soft": 1, "hard": 2}, {"type": "RLIMIT_CORE", "soft": 1, "hard": 2}]'
	invalid RLIMIT_CORE
}

@test "config.md#linux-process: a capability that cannot be granted is logged as a warning" {
	for set in bounding permitted effective inheritable ambient; do
		config '.process.capabilities[$set] += ["CAP_" + ($set | ascii_upcase)]' --arg set "$set"
	done
	checks caps
	try hv --log "$SCRATCH/log" --log-format json run "$ID"
	status_is 0
	for set in BOUNDING PERMITTED EFFECTIVE INHERITABLE AMBIENT; do
		jq -se --arg name "CAP_$set" 'any(.[]; .level == "warning" and (.msg | contains($name)))' "$SCRATCH/log"
	done
}

@test "config.md#linux-process: oomScoreAdj is set as given" {
	config '.process.oomScoreAdj = 321'
	process /bin/init oom
	valid
	output_is "oom: 321"
}

@test "config.md#linux-process: without oomScoreAdj the value stays" {
	not_hyperv "the value that stays is the guest's"
	config 'del(.process.oomScoreAdj)'
	process /bin/init oom
	echo 77 >/proc/self/oom_score_adj
	run_ok
	output_is "oom: 77"
}

@test "config.md#linux-process: the scheduler's policy is required" {
	config '.process.scheduler = {"policy": "SCHED_OTHER", "nice": 1}'
	required process.scheduler.policy
}

@test "config.md#linux-process: the I/O priority's class is required" {
	config '.process.ioPriority = {"class": "IOPRIO_CLASS_BE", "priority": 4}'
	required process.ioPriority.class
}

@test "config.md#linux-process: the I/O priority's priority is required" {
	config '.process.ioPriority = {"class": "IOPRIO_CLASS_BE", "priority": 4}'
	required process.ioPriority.priority
}

@test "config.md#posix-platform-user: uid is required" {
	config '.process.user = {"uid": 1, "gid": 1}'
	required process.user.uid
}

@test "config.md#posix-platform-user: gid is required" {
	config '.process.user = {"uid": 1, "gid": 1}'
	required process.user.gid
}
