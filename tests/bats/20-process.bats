# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck disable=SC2015,SC2016,SC2153,SC2154 # jq programs, and names that lib.bash sets
# config.json's "process" object, hostname and domainname: runtime-spec config.md, "Process".

load lib

@test "args and environment arrive as they are" {
	config '.process.args = ["/bin/init", "all", "args", "a b", "", "ü", "-x", "\"", "new\nline", ",", "print-env"]
		| .process.env = ["PATH=/bin", "EMPTY=", "SPACE=a b", "EQUALS=a=b", "UTF=ü", "HOME=/elsewhere"]'
	run_ok
	has 'arg: a b' 'arg: ' 'arg: ü' 'arg: -x' 'arg: "' 'arg: new' 'line' \
		'env: EMPTY=' 'env: SPACE=a b' 'env: EQUALS=a=b' 'env: UTF=ü' 'env: HOME=/elsewhere'
	lacks HVTEST_TAG BATS
}

@test "a name without slash is looked for in the container's PATH" {
	mkdir rootfs/opt
	mv rootfs/bin/init rootfs/opt/tool
	config '.process.args = ["tool", "args", "found"] | .process.env = ["PATH=/nowhere:/opt"]'
	run_ok
	output_is "arg: found"
}

@test "HOME comes from the container's passwd when it is not set" {
	config '.process.env = ["PATH=/bin"] | .process.user = {"uid": 1000, "gid": 1000}'
	process /bin/init print-env
	run_ok
	has 'env: HOME=/home/user'
}

@test "working directory: as given, made when it is missing, absolute" {
	process /bin/init cwd
	config '.process.cwd = "/tmp" | .root.readonly = false'
	run_ok
	output_is "cwd: /tmp"
	config '.process.cwd = "/made/by/runtime"'
	run_ok
	output_is "cwd: /made/by/runtime"
	config '.process.cwd = "relative"'
	before=$(snapshot)
	try hv run "$ID"
	refused "absolute path"
	machine_unchanged "$before"
}

@test "user, groups and umask" {
	checks ids , write /tmp/file , stat /tmp/file
	config '.process.user = {"uid": 1000, "gid": 2000, "additionalGids": [10, 3000], "umask": 63} | .root.readonly = false'
	run_ok
	has 'uid: 1000 1000' 'gid: 2000 2000' 'groups: 10 3000( 2000)?|groups: 10 2000 3000' 'umask: 0077' 'pid: 1' \
		'stat /tmp/file: file 0600 1000 2000'
	config '.process.user = {"uid": 0, "gid": 0}'
	checks ids
	run_ok
	has 'uid: 0 0' 'umask: 0022' 'groups:( 0)?'
}

@test "capabilities: each set as given" {
	checks caps
	config '.process.capabilities = {"bounding": ["CAP_KILL", "CAP_CHOWN", "CAP_NET_RAW"], "permitted": ["CAP_KILL", "CAP_CHOWN"],
		"effective": ["CAP_KILL"], "inheritable": ["CAP_KILL"], "ambient": ["CAP_KILL"]}'
	run_ok
	# no_new_privs keeps root's permitted from growing to the bounding set at exec, capabilities(7)
	has 'CapInh: 0000000000000020' 'CapPrm: 0000000000000021' 'CapBnd: 0000000000002021' 'NoNewPrivs: 1'
	config '.process.user = {"uid": 1000, "gid": 1000}'
	run_ok
	has 'CapInh: 0000000000000020' 'CapPrm: 0000000000000020' 'CapEff: 0000000000000020' 'CapAmb: 0000000000000020'
}

@test "no capabilities at all" {
	config 'del(.process.capabilities)'
	checks caps , seccomp-test chown sethostname mount , mknod /tmp/node
	run_ok
	has 'CapBnd: 0+' 'CapEff: 0+' 'CapPrm: 0+' 'CapInh: 0+' 'CapAmb: 0+' \
		'call chown: (EPERM|EROFS)' 'call sethostname: EPERM' 'call mount: EPERM' 'mknod /tmp/node: (EPERM|EROFS)'
}

@test "an unknown capability is a warning, not an error" {
	config '.process.capabilities.bounding += ["CAP_FROM_THE_FUTURE"]'
	checks caps
	run_ok
	has 'CapBnd: 0000000020000420'
}

@test "no_new_privs only when it is asked for" {
	checks caps
	run_ok
	has 'NoNewPrivs: 1'
	config '.process.noNewPrivileges = false'
	run_ok
	has 'NoNewPrivs: 0'
}

@test "oomScoreAdj, for exec too" {
	config '.process.oomScoreAdj = 500'
	process /bin/init all oom , pause
	background "$ID"
	grep -qx 'oom: 500' "$SCRATCH/$ID.out"
	try hv exec "$ID" /bin/init oom
	output_is "oom: 500"
}

@test "hostname and domainname, and the host's stay" {
	before=$(uname -n)
	config '.hostname = "inside.example" | .domainname = "domain.example"'
	if ! is_hvrun; then
		config 'del(.domainname)' # Debian's runc 1.1 does not know it
	fi
	checks hostname , seccomp-test sethostname
	run_ok
	has 'hostname: inside.example' 'call sethostname: EPERM'
	if is_hvrun; then
		has 'domainname: domain.example'
	fi
	same "$(uname -n)" "$before" "the host's name"
}

@test "a hostname without a UTS namespace is refused" {
	config '.hostname = "inside" | del(.linux.namespaces[] | select(.type == "uts"))'
	before=$(snapshot)
	try hv run "$ID"
	refused "UTS"
	machine_unchanged "$before"
}

@test "only 0, 1 and 2 are open, and they are what run was given" {
	checks fds
	"${HV[@]}" run "$ID" 5<"$SCRATCH" 7</dev/null </dev/null >"$SCRATCH/stdout" 2>"$SCRATCH/stderr"
	same "$(cut -d: -f1 "$SCRATCH/stdout" | xargs)" "fd 0 fd 1 fd 2" "descriptors"
}

@test "annotations and unknown fields do no harm" {
	config '.annotations = {"org.example": "x"} | .futureField = {"a": [1, 2.5, null]} | .process.futureField = true | .linux.futureField = []'
	process /bin/init exit 4
	try hv run "$ID"
	status_is 4
	no_errors
}

# Where the process in a container may run: "allowed_cpus ID"
allowed_cpus()
{
	hv exec "$1" /bin/sed -n 's/^Cpus_allowed_list:[[:space:]]*//p' /proc/self/status
}

@test "execCPUAffinity: exec runs on the processors that it names, and on all without" {
	config '.process.execCPUAffinity = {"initial": "0", "final": "0"}'
	process /bin/init pause
	background "$ID"
	same "$(allowed_cpus "$ID")" 0
	config '.process.execCPUAffinity = {"initial": "0"}'
	background "$ID-b"
	same "$(allowed_cpus "$ID-b")" "$(hv exec --process <(jq '.process | del(.execCPUAffinity) | .args = ["/bin/sed", "-n", "s/^Cpus_allowed_list:[[:space:]]*//p", "/proc/self/status"]' config.json) "$ID")"
	config '.process.execCPUAffinity = {"initial": "8000"}'
	background "$ID-c"
	try allowed_cpus "$ID-c"
	status_is 255
	errors_have "execCPUAffinity"
	config '.process.execCPUAffinity = {"final": "zero"}'
	try hv create "$ID-d"
	refused 'execCPUAffinity.final.*"zero"'
}

@test "the runtime's own processor affinity is not the container's" {
	skip_unless "no taskset" command -v taskset
	process /bin/sed -n 's/^Cpus_allowed_list:[[:space:]]*//p' /proc/self/status
	all=$(hv run "$ID")
	same "$(taskset -c 0 "${HV[@]}" run "$ID")" "$all"
}
