# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck disable=SC2015,SC2016,SC2034,SC2153,SC2154 # jq programs, and names that the libraries set and use
# runtime-spec 1.3.0 config-linux.md, "Control groups", "Cgroups Path", "Cgroup ownership" and the resources below it.

load spec

# The host's directory of a controller for a path from the top of the hierarchy: "group_dir CONTROLLER PATH"
group_dir()
{
	if is_cgroup_v2; then
		echo "/sys/fs/cgroup/$2"
	else
		echo "/sys/fs/cgroup/$1/$2"
	fi
}

eval "lib_$(declare -f teardown)"
teardown()
{
	local status=0
	for dir in "$ROOT"/*/; do
		[ ! -d "$dir" ] || plain delete -f "$(basename "$dir")" </dev/null >/dev/null 2>&1 || true
	done
	# parents that a test or cgroupsPath made
	find /sys/fs/cgroup -depth -type d -path "*spec-$TAG*" -exec rmdir {} \; 2>/dev/null || true
	lib_teardown
}

@test "config-linux.md#control-groups: a cgroup that is not fit is an error" {
	not_systemd "its cgroupsPath is no path: 27-systemd.bats"
	not_hyperv "the machine's own cgroup is made for it"
	config '.linux.cgroupsPath = $path' --arg path "/spec-$TAG/$ID"
	if is_cgroup_v2; then
		dir=$(group_dir pids "spec-$TAG/$ID")
		mkdir -p "$dir"
		echo 1 >"$dir/cgroup.freeze"
	else
		dir=$(group_dir freezer "spec-$TAG/$ID")
		mkdir -p "$dir"
		echo FROZEN >"$dir/freezer.state"
	fi
	status=0
	timeout 10 "${HV[@]}" create "$ID" >"$SCRATCH/stdout" 2>"$SCRATCH/stderr" </dev/null 3>&- 4>&- || status=$?
	# whatever came of it must not stay frozen, and nothing else of it stays
	if is_cgroup_v2; then
		echo 0 >"$dir/cgroup.freeze"
	else
		echo THAWED >"$dir/freezer.state"
	fi
	output=$(<"$SCRATCH/stdout") errors=$(<"$SCRATCH/stderr")
	refused "frozen"
}

@test "config-linux.md#cgroups-path: a path, absolute or relative" {
	not_systemd "its cgroupsPath is no path: 27-systemd.bats"
	for path in "/spec-$TAG/absolute-$ID" "spec-$TAG/relative-$ID"; do
		config '.linux.cgroupsPath = $path' --arg path "$path"
		paused
		cgroup_of "${path##*/}" pids
		hv delete -f "$ID"
	done
}

@test "config-linux.md#cgroups-path: an absolute path starts at the mount point" {
	not_systemd "its cgroupsPath is no path: 27-systemd.bats"
	config '.linux.cgroupsPath = $path' --arg path "/spec-$TAG/a/$ID"
	paused
	[ -d "$(group_dir pids "spec-$TAG/a/$ID")" ]
	[ -d "$(group_dir memory "spec-$TAG/a/$ID")" ]
}

@test "config-linux.md#cgroups-path: the same value is the same place" {
	not_systemd "its cgroupsPath is no path: 27-systemd.bats"
	for path in "/spec-$TAG/$ID" "spec-$TAG/$ID"; do
		config '.linux.cgroupsPath = $path' --arg path "$path"
		paused
		first=$(cgroup_of "$ID" pids)
		hv delete -f "$ID"
		paused
		same "$(cgroup_of "$ID" pids)" "$first"
		hv delete -f "$ID"
	done
}

@test "config-linux.md#cgroups-path: a value that we hold for invalid is an error" {
	only_hvrun
	not_hyperv "the manager is the same for both types"
	before=$(snapshot)
	config '.linux.cgroupsPath = "no.slice"'
	try hv --systemd-cgroup create "$ID"
	refused 'cgroupsPath|systemd'
	machine_unchanged "$before"
}

# A container with a cgroup namespace and a writable /sys/fs/cgroup, its root 100000 outside.
delegated()
{
	not_hyperv "the guest's cgroups are its own"
	skip_unless "cgroup v1 is not delegated" is_cgroup_v2
	chown -R 100000:100000 rootfs
	chmod 755 "$SCRATCH"
	config '.linux.namespaces += [{"type": "user"}, {"type": "cgroup"}] | .linux.namespaces |= unique_by(.type) | .linux.uidMappings = [{"containerID": 0, "hostID": 100000, "size": 65536}]
		| .linux.gidMappings = .linux.uidMappings | .mounts |= map(select(.destination != "/sys/fs/cgroup"))
		| .mounts += [{"destination": "/sys/fs/cgroup", "type": "cgroup", "source": "cgroup", "options": ["rw", "nosuid"]}]'
	process /bin/init pause
}

# "owned_by UID FILE..." in the container's cgroup, of the files that are there
owned_by()
{
	local uid=$1 file
	shift
	for file in "$@"; do
		[ ! -e "$DIR/$file" ] || same "$(stat -c %u "$DIR/$file")" "$uid" "$file" || return 1
	done
}

@test "config-linux.md#cgroup-ownership: what is delegated and not there does no harm" {
	delegated
	background "$ID"
	DIR=$(cgroup_of "$ID" pids)
	# shellcheck disable=SC2046 # words
	owned_by 100000 $(cat /sys/kernel/cgroup/delegate)
	owned_by 0 memory.max pids.max
}

@test "config-linux.md#cgroup-ownership: without a list of the kernel's three files are delegated" {
	delegated
	# a mount namespace in which the kernel's list is hidden; where a part of sysfs is hidden, none can be mounted in a user namespace
	config '.mounts |= map(select(.destination != "/sys"))'
	unshare -m --propagation private sh -c 'mount -t tmpfs tmpfs /sys/kernel/cgroup && exec "$@"' sh \
		"${HV[@]}" run -d "$ID" >"$SCRATCH/$ID.out" 2>&1 </dev/null
	DIR=$(cgroup_of "$ID" pids)
	owned_by 100000 . cgroup.procs cgroup.subtree_control cgroup.threads
	owned_by 0 memory.max pids.max memory.oom.group
}

@test "config-linux.md#memory: checkBeforeUpdate rejects a limit below what is used" {
	only_hvrun
	config '.linux.resources.memory = {"limit": 268435456}'
	process /bin/sh -c 'x=$(/bin/busybox head -c 6000000 /dev/zero | /bin/busybox tr "\\0" x); echo ready: ${#x}; while :; do sleep 1000; done'
	background "$ID"
	echo '{"memory": {"limit": 2097152, "checkBeforeUpdate": true}}' >"$SCRATCH/resources"
	try hv update -r "$SCRATCH/resources" "$ID"
	status_is 1
	errors_have memory
	is_state "$ID" running
}

@test "config-linux.md#cpu: a burst above the quota is an error" {
	config '.linux.resources.cpu = {"quota": 10000, "period": 100000, "burst": 20000}'
	invalid burst
}

block_io()
{
	config '.linux.resources.blockIO = {($field): [{"major": 7, "minor": 0, "weight": 100, "rate": 1000000}]}' --arg field "$1"
}

@test "config-linux.md#block-io: weightDevice's major and minor are required" {
	block_io weightDevice
	required 'linux.resources.blockIO.weightDevice[0].major'
	block_io weightDevice
	required 'linux.resources.blockIO.weightDevice[0].minor'
}

@test "config-linux.md#block-io: weightDevice has weight or leafWeight" {
	config '.linux.resources.blockIO = {"weightDevice": [{"major": 7, "minor": 0}]}'
	invalid 'weightDevice\[0\].*weight'
}

@test "config-linux.md#block-io: the byte rates' major and minor are required" {
	for field in throttleReadBpsDevice throttleWriteBpsDevice; do
		block_io $field
		required "linux.resources.blockIO.${field}[0].major"
		block_io $field
		required "linux.resources.blockIO.${field}[0].minor"
	done
}

@test "config-linux.md#block-io: the byte rates' rate is required" {
	for field in throttleReadBpsDevice throttleWriteBpsDevice; do
		block_io $field
		required "linux.resources.blockIO.${field}[0].rate"
	done
}

@test "config-linux.md#block-io: the operation rates' major and minor are required" {
	for field in throttleReadIOPSDevice throttleWriteIOPSDevice; do
		block_io $field
		required "linux.resources.blockIO.${field}[0].major"
		block_io $field
		required "linux.resources.blockIO.${field}[0].minor"
	done
}

@test "config-linux.md#block-io: the operation rates' rate is required" {
	for field in throttleReadIOPSDevice throttleWriteIOPSDevice; do
		block_io $field
		required "linux.resources.blockIO.${field}[0].rate"
	done
}

@test "config-linux.md#huge-page-limits: pageSize is required" {
	config '.linux.resources.hugepageLimits = [{"pageSize": "2MB", "limit": 0}]'
	required 'linux.resources.hugepageLimits[0].pageSize'
}

@test "config-linux.md#huge-page-limits: limit is required" {
	config '.linux.resources.hugepageLimits = [{"pageSize": "2MB", "limit": 0}]'
	required 'linux.resources.hugepageLimits[0].limit'
}

@test "config-linux.md#network: a priority's interface is required" {
	config '.linux.resources.network = {"priorities": [{"name": "lo", "priority": 1}]}'
	required 'linux.resources.network.priorities[0].name'
}

@test "config-linux.md#network: a priority's priority is required" {
	config '.linux.resources.network = {"priorities": [{"name": "lo", "priority": 1}]}'
	required 'linux.resources.network.priorities[0].priority'
}

@test "config-linux.md#rdma: an entry has hcaHandles or hcaObjects" {
	config '.linux.resources.rdma = {"mlx5_1": {}}'
	invalid 'rdma.*hca'
}

@test "config-linux.md#unified: the controllers that it needs are enabled" {
	not_hyperv "the host's part of unified is the guest's"
	skip_unless "cgroup v1 has no unified files" is_cgroup_v2
	config '.linux.resources = {"unified": {"memory.high": "134217728", "pids.max": "33"}}'
	paused
	dir=$(cgroup_of "$ID" pids)
	same "$(<"$dir/memory.high")" 134217728
	same "$(<"$dir/pids.max")" 33
	grep -qw memory "$dir/../cgroup.subtree_control"
}

@test "config-linux.md#unified: a file that we do not know is written" {
	not_hyperv "the host's part of unified is the guest's"
	skip_unless "cgroup v1 has no unified files" is_cgroup_v2
	config '.linux.resources = {"unified": {"memory.oom.group": "1", "cgroup.max.descendants": "7"}}'
	paused
	dir=$(cgroup_of "$ID" pids)
	same "$(<"$dir/memory.oom.group")" 1
	same "$(<"$dir/cgroup.max.descendants")" 7
}

@test "config-linux.md#unified: a controller that is not there is an error" {
	config '.linux.resources = {"unified": {"nosuch.max": "1"}}'
	invalid 'nosuch|unified'
}

@test "config-linux.md#unified: a setting of v1 that v2 cannot express is an error" {
	not_hyperv "the guest's cgroups are its own"
	skip_unless "cgroup v1 can express it" is_cgroup_v2
	config '.linux.resources.cpu = {"realtimeRuntime": 1000, "realtimePeriod": 100000}'
	invalid realtime
}
