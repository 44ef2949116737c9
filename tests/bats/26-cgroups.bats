# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck disable=SC2015,SC2016,SC2153,SC2154 # jq programs, and names that lib.bash sets
# linux.cgroupsPath and linux.resources, on cgroup v1, hybrid and v2.

load lib

# What the host's side of a limit holds: "host_limit CONTROLLER V1-FILE V2-FILE"
host_limit()
{
	local dir
	dir=$(cgroup_of "$ID" "$1")
	if [ -e "$dir/$2" ]; then
		cat "$dir/$2"
	else
		cut -d' ' -f1 "$dir/$3"
	fi
}

@test "memory, cpu and pids limits: seen inside and outside" {
	config '.linux.resources = {"memory": {"limit": 67108864}, "pids": {"limit": 50}, "cpu": {"quota": 50000, "period": 100000, "shares": 512}}'
	process /bin/init all cgroup , pause
	background "$ID"
	output=$(<"$SCRATCH/$ID.out")
	has 'memory.limit: 67108864' 'pids.limit: 50' 'cpu.quota: 50000' 'cpu.period: 100000'
	memory=$(host_limit memory memory.limit_in_bytes memory.max)
	pids=$(host_limit pids pids.max pids.max)
	if is_hyperv; then
		# the machine around it needs some more than the container may use
		[ "$memory" -gt 67108864 ]
		[ "$memory" -lt 4294967296 ]
		[ "$pids" = max ] || [ "$pids" -ge 50 ]
	else
		same "$memory" 67108864 memory
		same "$pids" 50 pids
	fi
	same "$(host_limit cpu cpu.cfs_quota_us cpu.max)" 50000 quota
}

@test "the pids limit is enforced" {
	config '.linux.resources.pids.limit = 12'
	process /bin/init fork 100
	run_ok
	has 'forked: (9|10|11) EAGAIN'
}

@test "the memory limit is enforced, and the container outlives it" {
	config '.linux.resources.memory = {"limit": 33554432, "swap": 33554432}'
	checks memory 8 , memory 100 , memory 8
	run_ok
	same "$output" $'memory: exit 0\nmemory: killed by KILL\nmemory: exit 0'
}

@test "the container's process, and exec's, are in its cgroup on the host" {
	process /bin/init pause
	background "$ID"
	pid=$(container_pid "$ID")
	dir=$(cgroup_of "$ID" pids)
	grep -qx "$pid" "$dir/cgroup.procs" || grep -rqx "$pid" "$dir" --include cgroup.procs
	hv exec -d --pid-file "$SCRATCH/exec.pid" "$ID" /bin/init pause </dev/null >"$SCRATCH/exec.out" 2>&1
	grep -rqx "$(<"$SCRATCH/exec.pid")" "$dir" --include cgroup.procs
}

@test "cgroupsPath, absolute and relative; nothing of it is left" {
	not_systemd "27-systemd.bats has its paths"
	for path in "/group.$TAG/below/$ID" "group.$TAG-relative/$ID"; do
		config '.linux.cgroupsPath = $path' --arg path "$path"
		process /bin/init pause
		background "$ID"
		cgroup_of "group.$TAG" pids >/dev/null
		cgroup_of "$ID" pids >/dev/null
		hv delete -f "$ID"
		not cgroup_of "$ID" pids
		# the parents were not the container's
		find /sys/fs/cgroup -depth -type d -path "*group.$TAG*" -exec rmdir {} + 2>/dev/null || true
	done
}

@test "the cgroup is gone after delete, even when processes were left in it" {
	process /bin/init all spawn , spawn , pause
	background "$ID"
	cgroup_of "$ID" pids >/dev/null
	hv delete -f "$ID"
	not cgroup_of "$ID" pids
	not cgroup_of "$ID" memory
}

@test "a cgroupsPath that leads out of the hierarchy stays in it" {
	not_systemd "27-systemd.bats has its paths"
	mkdir -p "$SCRATCH/outside"
	config '.linux.cgroupsPath = $path' --arg path "/../../../../../..$SCRATCH/outside/$ID"
	try hv run "$ID"
	[ -z "$(ls "$SCRATCH/outside")" ]
	find /sys/fs/cgroup -depth -type d -path "*$TAG*" -exec rmdir {} \; 2>/dev/null || true
	find /sys/fs/cgroup -depth -type d -path "*/tmp" -empty -exec rmdir {} \; 2>/dev/null || true
}

@test "a memory limit that no machine or process can start with: a clear refusal or a start, never a hang" {
	config '.linux.resources.memory = {"limit": 1048576}'
	before=$(snapshot)
	try hv run "$ID"
	[ "$status" = 0 ] || errors_have memory
	machine_unchanged "$before"
}

@test "a memory limit that is too low for any program: the error has one that is not" {
	not_hyperv "a virtual machine has room for its agent"
	before=$(snapshot)
	config '.linux.resources.memory = {"limit": 16384}'
	try hv run "$ID"
	refused "container init was OOM-killed \(memory limit too low\?\).*memory.limit is 16384 bytes, and 524288 is"
	machine_unchanged "$before"
	config '.linux.resources.memory = {"limit": 524288}'
	process /bin/init exit 7
	try hv run "$ID"
	status_is 7
}

@test "wrong resources are refused by name" {
	only_hvrun
	before=$(snapshot)
	config '.linux.resources.memory.limit = "64M"'
	try hv run "$ID"
	refused "linux.resources.memory.limit"
	config '.linux.resources = {"unified": {"no.such.file": "1"}}'
	try hv run "$ID"
	status_is 1
	errors_have "unified|no.such.file"
	machine_unchanged "$before"
}

@test "exec --cgroup: a path for all hierarchies, and one for the hierarchy of a controller" {
	only_hvrun
	not_hyperv "groups are the guest's"
	process /bin/init pause
	background "$ID"
	if is_cgroup_v2; then
		group=$(cgroup_of "$ID" pids)
		mkdir "$group/all"
		try hv exec --cgroup /all "$ID" /bin/cat /proc/self/cgroup
		status_is 0
		has '0::/(.*/)?all'
	else
		for controller in memory pids; do
			mkdir "$(cgroup_of "$ID" $controller)/$controller"
		done
		try hv exec --cgroup memory:memory --cgroup pids:/pids "$ID" /bin/cat /proc/self/cgroup
		status_is 0
		has '[0-9]+:memory:.*/memory' '[0-9]+:pids:.*/pids' "[0-9]+:cpu.*[^y]"
		lacks 'cpu.*/(memory|pids)$'
	fi
	try hv exec --cgroup nosuch:/all "$ID" /bin/init cgroup-path
	status_is 255
	errors_have 'unknown controller "nosuch"'
	try hv exec --cgroup /missing "$ID" /bin/init cgroup-path
	status_is 255
	errors_have 'bad sub cgroup path'
}

# Makes a v2 group whose processes have been killed, as a service manager does with a service's before it uses that again: $dir.
killed_group()
{
	local tree
	tree=$(awk '$3 == "cgroup2" { print $2; exit }' /proc/mounts)
	skip_unless "no cgroup v2 tree" test -n "$tree" || return
	dir=$tree/hvt-$TAG
	mkdir "$dir"
	[ ! -e "$dir/cgroup.kill" ] || echo 1 >"$dir/cgroup.kill"
}

@test "a group that was there before, and had its processes killed, takes a container" {
	local dir
	not_hyperv "the guest's groups are new"
	not_systemd "groups are made by path"
	killed_group || return
	config '.linux.cgroupsPath = $path' --arg path "/hvt-$TAG"
	process /bin/init exit 4
	try hv run "$ID"
	rmdir "$dir"
	status_is 4
}

@test "a caller whose own group had its processes killed creates, runs and executes" {
	local dir
	not_hyperv "the guest's agent is in a group of its own kernel's"
	killed_group || return
	from_there() { (
		echo "$BASHPID" >"$dir/cgroup.procs"
		hv "$@"
	); }
	process /bin/init exit 4
	try from_there run "$ID"
	status_is 4
	process /bin/init pause
	create "$ID"
	try from_there exec "$ID" /bin/init exit 5
	status_is 5
	# one that is killed is not taken for one that was never alive
	try from_there exec "$ID" /bin/init all args once , raise KILL
	status_is 137
	same "$output" "arg: once"
	try hv delete --force "$ID"
	status_is 0
	eventually rmdir "$dir"
}

# Of a process on the host: its group's directory in the v2 hierarchy.
group_dir()
{
	sed -n 's/^0::/\/sys\/fs\/cgroup/p' "/proc/$1/cgroup"
}

@test "run.oci.delegate-cgroup: the process is in a group of its user's, below the one with the limits" {
	only_hvrun
	is_hyperv || skip_unless "no pure cgroup v2 here (tests/vm/run has it)" is_cgroup_v2
	config '.annotations["run.oci.delegate-cgroup"] = "/payload" | .process.user = {"uid": 1000, "gid": 1000} | .linux.resources.pids.limit = 50
		| .linux.namespaces |= (. + [{"type": "cgroup"}] | unique) | (.mounts[] | select(.type == "cgroup") | .options) -= ["ro"]'
	process /bin/sh -c 'cd /sys/fs/cgroup; cat /proc/self/cgroup; echo "limit: $(cat pids.max)"; mkdir own && echo made; echo 0 >own/cgroup.procs && echo moved
		echo +pids >cgroup.subtree_control && echo 7 >own/pids.max && echo "own: $(cat own/pids.max)"; echo 9 2>/dev/null >pids.max || echo kept'
	run_ok
	has 0::/ 'limit: max' made moved 'own: 7' kept
}

@test "run.oci.delegate-cgroup: exec, ps, pause, update, kill and delete" {
	only_hvrun
	is_hyperv || skip_unless "no pure cgroup v2 here (tests/vm/run has it)" is_cgroup_v2
	config '.annotations["run.oci.delegate-cgroup"] = "payload" | .linux.resources.pids.limit = 50 | .linux.namespaces -= [{"type": "cgroup"}]'
	process /bin/init pause
	background "$ID"
	try hv exec "$ID" /bin/cat /proc/self/cgroup
	status_is 0
	has '0::/.*/payload'
	hv exec -d --pid-file "$SCRATCH/exec.pid" "$ID" /bin/init pause </dev/null >"$SCRATCH/exec.out" 2>&1
	if ! is_hyperv; then
		dir=$(group_dir "$(container_pid "$ID")")
		same "$(basename "$dir") $(group_dir "$(<"$SCRATCH/exec.pid")")" "payload $dir"
		same "$(<"$dir/../pids.max") $(<"$dir/pids.max")" "50 max"
		same "$(<"$dir/../cgroup.procs")" ""
	fi
	hv ps -f json "$ID" | jq -e "contains([$(container_pid "$ID"), $(<"$SCRATCH/exec.pid")])"
	hv pause "$ID"
	is_state "$ID" paused
	hv resume "$ID"
	hv update --pids-limit 40 "$ID"
	is_hyperv || same "$(<"$dir/../pids.max") $(<"$dir/pids.max")" "40 max"
	same "$(hv events --stats "$ID" | jq .data.pids.limit)" 40
	hv kill --all "$ID" KILL
	eventually is_state "$ID" stopped
	eventually is_gone "$(<"$SCRATCH/exec.pid")"
	hv delete "$ID"
	is_hyperv || not test -e "$dir/.."
	create "$ID"
	status_is 0
	hv delete -f "$ID"
}

@test "run.oci.delegate-cgroup: a group that was there keeps what it had, and loses what was made in it" {
	not_hyperv "groups are the guest's"
	not_systemd "groups are made by path"
	only_hvrun
	skip_unless "no pure cgroup v2 here (tests/vm/run has it)" is_cgroup_v2
	mkdir -p "/sys/fs/cgroup/hvt-$TAG"
	config '.annotations["run.oci.delegate-cgroup"] = "payload" | .linux.cgroupsPath = $path' --arg path "/hvt-$TAG"
	process /bin/init pause
	background "$ID"
	[ -d "/sys/fs/cgroup/hvt-$TAG/payload" ]
	hv delete -f "$ID"
	[ ! -e "/sys/fs/cgroup/hvt-$TAG/payload" ]
	rmdir "/sys/fs/cgroup/hvt-$TAG"
}

@test "run.oci.delegate-cgroup: refused with cgroup v1, without a cgroup, and for a bad name" {
	only_hvrun
	before=$(snapshot)
	for name in .. a/b; do
		config '.annotations["run.oci.delegate-cgroup"] = $name' --arg name "$name"
		try hv create "$ID"
		refused "annotation run.oci.delegate-cgroup: bad sub cgroup path"
	done
	config '.annotations["run.oci.delegate-cgroup"] = "payload"'
	if ! is_hyperv; then
		if [ "${HVRUN_OPTIONS:-}" != --systemd-cgroup ]; then # which counts more than another manager
			try hv --cgroup-manager disabled create "$ID"
			refused 'annotation run.oci.delegate-cgroup: "payload" can be made where there is cgroup v2 alone, not with cgroup manager "disabled"'
		fi
		if ! is_cgroup_v2; then
			try hv create "$ID"
			refused 'annotation run.oci.delegate-cgroup: "payload" can be made where there is cgroup v2 alone, not with cgroup v1'
		fi
	fi
	machine_unchanged "$before"
}
