# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck disable=SC2015,SC2016,SC2153,SC2154 # jq programs, and names that lib.bash sets
# The exit status of run: the process's own, 128 + the signal that ended it, 1 when it could not be started.

load lib

@test "the process's exit status is run's" {
	for code in 0 7 255; do
		process /bin/init exit "$code"
		try hv run "$ID"
		status_is "$code"
		no_errors
	done
}

@test "kill -9 gives 137" {
	process /bin/init pause
	hv run "$ID" >"$SCRATCH/$ID.out" 2>&1 </dev/null &
	eventually file_has "$SCRATCH/$ID.out" ready
	try hv kill "$ID" 9
	status_is 0
	status=0
	wait %1 || status=$?
	status_is 137
}

@test "a process that handles TERM gives its own status" {
	process /bin/sh -c 'trap "exit 9" TERM; echo ready:; while :; do sleep 0.1; done'
	hv run "$ID" >"$SCRATCH/$ID.out" 2>&1 </dev/null &
	eventually file_has "$SCRATCH/$ID.out" ready
	hv kill "$ID"
	status=0
	wait %1 || status=$?
	status_is 9
}

@test "the pid of a detached container is our child's, and has its status" {
	# what containerd's shim and conmon do: wait for the pid in the pid file as its subreaper
	skip_unless "python3 is not installed" command -v python3 >/dev/null
	for kind in exit kill; do
		process /bin/init pause
		[ "$kind" = kill ] || process /bin/sh -c 'sleep 0.3; exit 7'
		status=0
		python3 - "$kind" "$SCRATCH/pid" "${HV[@]}" run -d --pid-file "$SCRATCH/pid" "$ID" <<-'PYTHON' || status=$?
			import ctypes, os, signal, subprocess, sys
			kind, pidfile, command = sys.argv[1], sys.argv[2], sys.argv[3:]
			assert ctypes.CDLL(None).prctl(36, 1, 0, 0, 0) == 0  # PR_SET_CHILD_SUBREAPER
			subprocess.run(command, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
			pid = int(open(pidfile).read())
			if kind == "kill":
			    os.kill(pid, signal.SIGKILL)
			status = os.waitpid(pid, 0)[1]
			expected = (os.WIFSIGNALED(status) and os.WTERMSIG(status) == 9) if kind == "kill" else \
			    (os.WIFEXITED(status) and os.WEXITSTATUS(status) == 7)
			sys.exit(0 if expected else f"{kind}: wait status {status:#x}")
		PYTHON
		status_is 0
		is_state "$ID" stopped
		hv delete "$ID"
	done
}

@test "no such program, no permission, a directory: exit 1, one clear text, nothing left" {
	mkdir rootfs/bin/directory
	touch rootfs/bin/not-executable
	before=$(snapshot)
	process /bin/no-such-program
	try hv run "$ID"
	status_is 1
	output_is ""
	errors_have "no such file or directory|executable file not found" "no-such-program"
	process no-such-program-in-path
	try hv run "$ID"
	status_is 1
	errors_have 'executable file not found in \$PATH' "no-such-program-in-path"
	process /bin/not-executable
	try hv run "$ID"
	status_is 1
	errors_have "permission denied"
	process /bin/directory
	try hv run "$ID"
	status_is 1
	errors_have "permission denied|is a directory"
	machine_unchanged "$before"
}

@test "a script without an interpreter, and a file that is no program" {
	printf '#!/bin/no-such-interpreter\n' >rootfs/bin/script
	printf '\177ELF garbage' >rootfs/bin/garbage
	chmod 755 rootfs/bin/script rootfs/bin/garbage
	process /bin/script
	try hv run "$ID"
	status_is 1
	errors_have "no such file or directory"
	hv delete -f "$ID"
	process /bin/garbage
	try hv run "$ID"
	status_is 1
	errors_have "exec format error"
}
