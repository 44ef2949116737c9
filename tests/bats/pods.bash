# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# shellcheck disable=SC2016,SC2034,SC2153,SC2154 # jq programs, and names that lib.bash or a test sets or reads
# A pod's sandbox and its members: "load pods" behind "load lib".

# What each engine calls it: "mark BUNDLE sandbox|container SANDBOX"
mark_cri()
{
	config_of "$1" '.annotations += {"io.kubernetes.cri.container-type": $t, "io.kubernetes.cri.sandbox-id": $id}' --arg t "$2" --arg id "$3"
}

mark_crio()
{
	config_of "$1" '.annotations += {"io.kubernetes.cri-o.ContainerType": $t, "io.kubernetes.cri-o.SandboxID": $id}' --arg t "$2" --arg id "$3"
}

# What a file's setup_test() begins with: the sandbox's bundle, as $POD in $BUNDLE; what it runs does nothing, and has the pod's name.
setup_pod()
{
	POD=$ID MARK=mark_cri
	only_hvrun || return
	process /bin/init pause
	config '.hostname = "podname"'
}

# "sandbox [JQ-PROGRAM [JQ-OPTION...]]"
sandbox()
{
	"$MARK" "$BUNDLE" sandbox "$POD"
	[ -z "${1-}" ] || config "$@"
	background "$POD"
	POD_PID=$(container_pid "$POD")
}

# A bundle for a member: network, ipc and uts namespace are the sandbox's. "member NAME PROGRAM [ARG...]"
member()
{
	local name=$1
	shift
	make_bundle "$SCRATCH/$name"
	"$MARK" "$SCRATCH/$name" container "$POD"
	config_of "$SCRATCH/$name" '.process.args = $ARGS.positional' --args -- "$@"
	config_of "$SCRATCH/$name" 'del(.hostname) | .linux.namespaces |= map(
		{network: "net", ipc: "ipc", uts: "uts"}[.type] as $file
		| if $file then . + {path: ("/proc/" + $pid + "/ns/" + $file)} else . end)' --arg pid "$POD_PID"
}

# The pid namespace of the sandbox, too.
share_pids()
{
	config_of "$SCRATCH/$1" '(.linux.namespaces[] | select(.type == "pid")).path = "/proc/" + $pid + "/ns/pid"' --arg pid "$POD_PID"
}

# Starts a member in the background: "start_member NAME [TEXT]"
start_member()
{
	(cd "$SCRATCH/$1" && plain run -d --pid-file "$SCRATCH/$POD-$1.pid" "$POD-$1") >"$SCRATCH/$1.out" 2>"$SCRATCH/$1.err" </dev/null ||
		{ errors=$(<"$SCRATCH/$1.err"); fail "member $1 did not start"; return 1; }
	[ "${2-ready:}" = "" ] || eventually file_has "$SCRATCH/$1.out" "${2-ready:}"
}

# In the foreground.
in_member()
{
	(cd "$SCRATCH/$1" && shift && "$@")
}

run_member()
{
	try in_member "$1" plain run "$POD-$1"
}

exited()
{
	is_state "$1" stopped
}

vmm_count()
{
	local n=0 pid
	for pid in $(test_processes | cut -d' ' -f2 | tr -d :); do
		[[ $(readlink "/proc/$pid/exe") != *qemu* ]] || n=$((n + 1))
	done
	echo "$n"
}
