# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck disable=SC2015,SC2016,SC2153,SC2154 # jq programs, and names that lib.bash sets
# process.rlimits: runtime-spec config.md, "POSIX process", and what a process has of its caller's.

load lib

@test "resource limits" {
	checks getrlimit
	config '.process.rlimits = [{"type": "RLIMIT_NOFILE", "soft": 100, "hard": 200}, {"type": "RLIMIT_CORE", "soft": 0, "hard": 0},
		{"type": "RLIMIT_FSIZE", "soft": 1048576, "hard": 1048576}]'
	run_ok
	has 'rlimit RLIMIT_NOFILE: 100 200' 'rlimit RLIMIT_CORE: 0 0' 'rlimit RLIMIT_FSIZE: 1048576 1048576'
	process /bin/init pause
	background "$ID"
	try hv exec "$ID" /bin/init getrlimit
	has 'rlimit RLIMIT_NOFILE: 100 200' 'rlimit RLIMIT_CORE: 0 0'
}

@test "limits that config.json does not name are the caller's" {
	checks getrlimit
	config '.process.rlimits = [{"type": "RLIMIT_CORE", "soft": 1, "hard": 2}]'
	(ulimit -n 3000 && ulimit -s 4096 && try hv run "$ID" && status_is 0 &&
		has 'rlimit RLIMIT_NOFILE: 3000 3000' 'rlimit RLIMIT_STACK: 4194304 4194304' 'rlimit RLIMIT_CORE: 1 2')
	process /bin/init pause
	(ulimit -n 3000 && background "$ID")
	(ulimit -n 3000 && try hv exec "$ID" /bin/init getrlimit && has 'rlimit RLIMIT_NOFILE: 3000 3000' 'rlimit RLIMIT_CORE: 1 2')
}

@test "limits of a process in a user namespace, where nobody may raise one" {
	config '.linux.namespaces += [{"type": "user"}] | .linux.uidMappings = [{"containerID": 0, "hostID": 100000, "size": 65536}]
		| .linux.gidMappings = .linux.uidMappings | .process.rlimits = []'
	chown -R 100000:100000 rootfs
	chmod 755 "$SCRATCH" "$BUNDLE"
	checks getrlimit
	(ulimit -n 3000 && try hv run "$ID" && status_is 0 && has 'rlimit RLIMIT_NOFILE: 3000 3000')
	is_hyperv || skip_unless "no CAP_SYS_RESOURCE" bash -c 'ulimit -n 3000 && ulimit -n 4000' || return
	config '.process.rlimits = [{"type": "RLIMIT_NOFILE", "soft": 3500, "hard": 4000}]'
	(ulimit -n 3000 && try hv run "$ID" && status_is 0 && has 'rlimit RLIMIT_NOFILE: 3500 4000')
	process /bin/init pause
	(ulimit -n 3000 && background "$ID")
	(ulimit -n 3000 && try hv exec "$ID" /bin/init getrlimit && status_is 0 && has 'rlimit RLIMIT_NOFILE: 3500 4000')
}

@test "a limit of files that is just enough, for exec too" {
	checks getrlimit
	config '.process.rlimits = [{"type": "RLIMIT_NOFILE", "soft": 10, "hard": 10}]'
	run_ok
	has 'rlimit RLIMIT_NOFILE: 10 10'
	process /bin/init pause
	config '.process.rlimits = []'
	background "$ID"
	jq '.process | .args = ["/bin/init", "getrlimit"] | .rlimits = [{"type": "RLIMIT_NOFILE", "soft": 10, "hard": 10}]' config.json >"$SCRATCH/process.json"
	try hv exec --process "$SCRATCH/process.json" "$ID"
	status_is 0
	has 'rlimit RLIMIT_NOFILE: 10 10'
}

@test "a limit of files with which nothing can be started is refused before anything is made, for exec it is none of ours" {
	only_hvrun || return
	before=$(snapshot)
	process /bin/init getrlimit
	config '.process.rlimits = [{"type": "RLIMIT_NOFILE", "soft": 7, "hard": 10}]'
	try hv create "$ID"
	refused 'process.rlimits: RLIMIT_NOFILE: 7 open files are too few to start'
	machine_unchanged "$before"
	config '.process.rlimits = [{"type": "RLIMIT_NOFILE", "soft": 8, "hard": 8}]'
	run_ok
	has 'rlimit RLIMIT_NOFILE: 8 8'
	process /bin/init pause
	config '.process.rlimits = []'
	background "$ID"
	jq '.process | .args = ["/bin/init", "getrlimit"] | .rlimits = [{"type": "RLIMIT_NOFILE", "soft": 4, "hard": 4}]' config.json >"$SCRATCH/process.json"
	try hv exec --process "$SCRATCH/process.json" "$ID"
	status_is 0
	has 'rlimit RLIMIT_NOFILE: 4 4'
}

@test "wrong limits are refused by name" {
	before=$(snapshot)
	config '.process.rlimits = [{"type": "RLIMIT_NONSENSE", "soft": 1, "hard": 1}]'
	try hv run "$ID"
	status_is 1
	errors_have RLIMIT_NONSENSE
	machine_unchanged "$before"
	only_hvrun
	config '.process.rlimits = [{"type": "RLIMIT_NOFILE", "soft": 1, "hard": 1}, {"type": "RLIMIT_NOFILE", "soft": 1, "hard": 1}]'
	try hv run "$ID"
	refused RLIMIT_NOFILE
	config '.process.rlimits = [{"type": "RLIMIT_NOFILE", "soft": 2, "hard": 1}]'
	try hv run "$ID"
	refused rlimit
	machine_unchanged "$before"
}
