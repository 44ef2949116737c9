# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck disable=SC2015,SC2016,SC2034,SC2153,SC2154 # jq programs, and names that lib.bash sets
# --systemd-cgroup: the container's cgroup is a scope of systemd's.

load lib

setup_test()
{
	only_hvrun
	not_hyperv "the manager is the same for both types, and this needs a machine with systemd"
	skip_unless "systemd is not PID 1 here (tests/vm/run has it)" test "$(</proc/1/comm)" = systemd
	PLAIN+=(--systemd-cgroup)
	HV+=(--systemd-cgroup)
	SCOPE=hvrun-$ID.scope
}

# "property UNIT NAME"
property()
{
	systemctl show --value -p "$2" "$1"
}

is_loaded()
{
	[ "$(property "$1" LoadState)" = loaded ]
}

cgroup_path()
{
	sed -n 's/^0:://p' "/proc/$1/cgroup"
}

@test "without cgroupsPath: hvrun-ID.scope in system.slice, delegated, gone after delete" {
	process /bin/init pause
	background "$ID"
	is_loaded "$SCOPE"
	same "$(property "$SCOPE" Slice)" system.slice
	same "$(property "$SCOPE" Delegate)" yes
	same "$(property "$SCOPE" Description)" "container $ID"
	same "$(property "$SCOPE" ControlGroup)" "/system.slice/$SCOPE"
	same "$(cgroup_path "$(container_pid "$ID")")" "/system.slice/$SCOPE"
	# nobody else is in there: the process that started the scope has gone
	same "$(<"/sys/fs/cgroup/system.slice/$SCOPE/cgroup.procs")" "$(container_pid "$ID")"
	hv delete -f "$ID"
	not is_loaded "$SCOPE"
	not test -e "/sys/fs/cgroup/system.slice/$SCOPE"
}

@test "cgroupsPath slice:prefix:name; a slice's dashes are its parents" {
	config '.linux.cgroupsPath = $path' --arg path "hvtest-a$TAG.slice:pre:$ID"
	process /bin/init pause
	background "$ID"
	pid=$(container_pid "$ID")
	same "$(cgroup_path "$pid")" "/hvtest.slice/hvtest-a$TAG.slice/pre-$ID.scope"
	hv exec -d --pid-file "$SCRATCH/exec.pid" "$ID" /bin/init pause </dev/null >"$SCRATCH/exec.out" 2>&1
	same "$(cgroup_path "$(<"$SCRATCH/exec.pid")")" "$(cgroup_path "$pid")"
	hv kill "$ID" KILL
	eventually is_state "$ID" stopped
	hv delete "$ID"
	not is_loaded "pre-$ID.scope"
	systemctl stop "hvtest-a$TAG.slice"
}

@test "create, start, and delete of what was never started" {
	process /bin/init pause
	create "$ID"
	status_is 0
	is_loaded "$SCOPE"
	hv start "$ID"
	same "$(cgroup_path "$(container_pid "$ID")")" "/system.slice/$SCOPE"
	hv delete -f "$ID"
	create "$ID"
	status_is 0
	hv delete "$ID"
	not is_loaded "$SCOPE"
}

@test "a name with characters that units do not have is escaped" {
	config '.linux.cgroupsPath = $path' --arg path "system.slice:a+b:$ID"
	process /bin/init pause
	background "$ID"
	is_loaded "a\\x2bb-$ID.scope"
	hv delete -f "$ID"
	not is_loaded "a\\x2bb-$ID.scope"
}

@test "paths that are not slice:prefix:name are refused, and leave nothing" {
	for path in /a/b a.slice:b a.slice:b: x:b:c a--b.slice:p:c -a.slice:p:c a/b.slice:p:c; do
		config '.linux.cgroupsPath = $path' --arg path "$path"
		try hv run "$ID"
		refused cgroupsPath
	done
}

# The limits that this test asks for, as systemd and as the kernel's files tell them.
limits_are_set()
{
	local dir=/sys/fs/cgroup/system.slice/$SCOPE
	same "$(property "$SCOPE" MemoryMax)" 67108864 MemoryMax
	same "$(property "$SCOPE" MemorySwapMax)" 33554432 MemorySwapMax
	same "$(property "$SCOPE" MemoryLow)" 33554432 MemoryLow
	same "$(property "$SCOPE" TasksMax)" 50 TasksMax
	same "$(property "$SCOPE" CPUWeight)" "$1" CPUWeight
	same "$(property "$SCOPE" CPUQuotaPerSecUSec)" 330ms CPUQuotaPerSecUSec
	same "$(property "$SCOPE" CPUQuotaPeriodUSec)" 100ms CPUQuotaPeriodUSec
	same "$(property "$SCOPE" AllowedCPUs)" 0 AllowedCPUs
	same "$(<"$dir/memory.max")" 67108864 memory.max
	same "$(<"$dir/pids.max")" 50 pids.max
	same "$(<"$dir/cpu.weight")" "$1" cpu.weight
	same "$(<"$dir/cpuset.cpus.effective")" 0 cpuset
}

@test "limits: systemd knows them, the files have them exactly, and daemon-reload keeps them" {
	config '.linux.resources = {"memory": {"limit": 67108864, "swap": 100663296, "reservation": 33554432}, "pids": {"limit": 50},
		"cpu": {"quota": 32500, "period": 100000, "shares": 2048, "cpus": "0"}}'
	process /bin/init pause
	background "$ID"
	weight=$(<"/sys/fs/cgroup/system.slice/$SCOPE/cpu.weight")
	[ "$weight" -gt 100 ]
	limits_are_set "$weight"
	same "$(<"/sys/fs/cgroup/system.slice/$SCOPE/cpu.max")" "32500 100000" cpu.max
	systemctl daemon-reload
	limits_are_set "$weight"
}

@test "update changes what systemd knows and the files, and daemon-reload keeps it" {
	config '.linux.resources = {"memory": {"limit": 67108864}, "pids": {"limit": 50}}'
	process /bin/init pause
	background "$ID"
	hv update --memory 83886080 --pids-limit 40 --cpu-quota 32500 --cpu-period 50000 "$ID"
	for round in 1 2; do
		same "$(property "$SCOPE" MemoryMax)" 83886080
		same "$(property "$SCOPE" TasksMax)" 40
		same "$(property "$SCOPE" CPUQuotaPerSecUSec)" 650ms
		same "$(<"/sys/fs/cgroup/system.slice/$SCOPE/memory.max")" 83886080
		same "$(<"/sys/fs/cgroup/system.slice/$SCOPE/pids.max")" 40
		same "$(<"/sys/fs/cgroup/system.slice/$SCOPE/cpu.max")" "32500 50000"
		systemctl daemon-reload
	done
}

@test "limits from unified, and those that systemd has no word for" {
	config '.linux.resources.unified = {"memory.high": "50331648", "memory.max": "67108864", "pids.max": "33", "cpu.max": "max 100000",
		"cgroup.max.descendants": "7"}'
	process /bin/init pause
	background "$ID"
	same "$(property "$SCOPE" MemoryHigh)" 50331648
	same "$(property "$SCOPE" MemoryMax)" 67108864
	same "$(property "$SCOPE" TasksMax)" 33
	same "$(<"/sys/fs/cgroup/system.slice/$SCOPE/cgroup.max.descendants")" 7
}

@test "org.systemd.property.*: the bundle's properties are the unit's, but not over those that hvrun sets" {
	config '.annotations = {"org.systemd.property.TimeoutStopSec": "77", "org.systemd.property.CollectMode": "\u0027inactive-or-failed\u0027",
		"org.systemd.property.SendSIGHUP": "true", "org.systemd.property.KillSignal": "2"}'
	process /bin/init pause
	background "$ID"
	same "$(property "$SCOPE" TimeoutStopUSec) $(property "$SCOPE" CollectMode) $(property "$SCOPE" SendSIGHUP) $(property "$SCOPE" KillSignal)" \
		"1min 17s inactive-or-failed yes 2"
	hv delete -f "$ID"
	printf '{"allowed_systemd_properties": ["*"]}\n' >"$SCRATCH/hvrun.json"
	HV+=(--config-file "$SCRATCH/hvrun.json")
	config '.annotations = {"org.systemd.property.After": "[\u0027basic.target\u0027, \u0027dbus.socket\u0027]", "org.systemd.property.Slice": "\u0027user.slice\u0027"}'
	background "$ID"
	[[ $(property "$SCOPE" After) == *basic.target*dbus.socket* || $(property "$SCOPE" After) == *dbus.socket*basic.target* ]]
	same "$(property "$SCOPE" Slice)" system.slice
}

@test "pids limits 1 and 0 still let the container's process in" {
	for limit in 1 0; do
		config '.linux.resources.pids.limit = $n' --argjson n $limit
		process /bin/init fork 3
		run_ok
		has 'forked: 0 EAGAIN'
	done
}

@test "device rules hold, before and after a daemon-reload" {
	config '.root.readonly = false
		| .linux.devices = [{"path": "/dev/allowed", "type": "c", "major": 10, "minor": 235, "fileMode": 438},
			{"path": "/dev/denied", "type": "c", "major": 1, "minor": 11, "fileMode": 438}]
		| .linux.resources.devices = [{"allow": false, "access": "rwm"}, {"allow": true, "type": "c", "major": 10, "minor": 235, "access": "rw"}]'
	process /bin/init pause
	background "$ID"
	for round in 1 2; do
		try hv exec "$ID" /bin/init all read /dev/null /dev/zero /dev/denied , write /dev/null
		status_is 0
		has 'read /dev/zero: 4095 bytes, ' 'read /dev/denied: EPERM' 'write /dev/null: ok'
		# tests/vm's kernel has autofs: what is allowed is not EPERM, whether the device works or not
		try hv exec "$ID" /bin/init read /dev/allowed
		lacks 'EPERM'
		systemctl daemon-reload
		systemctl set-property --runtime "$SCOPE" TasksMax=77
	done
	same "$(property "$SCOPE" DevicePolicy)" strict
}

@test "a rule that systemd cannot say leaves devices to the group's own filter" {
	config '.linux.resources.devices = [{"allow": false, "access": "rwm"}, {"allow": true, "type": "c", "minor": 235, "access": "r"}]
		| .linux.devices = [{"path": "/dev/some", "type": "c", "major": 10, "minor": 235, "fileMode": 438}]'
	process /bin/init pause
	background "$ID"
	systemctl daemon-reload
	same "$(property "$SCOPE" DevicePolicy)" auto
	try hv exec "$ID" /bin/init all read /dev/some , write /dev/some
	has 'write /dev/some: EPERM'
	lacks 'read /dev/some: EPERM'
}

@test "a failed unit of the same name is no obstacle, and delete leaves none" {
	systemd-run --quiet --scope --unit="$SCOPE" -p RuntimeMaxSec=1 sleep 60 || true
	eventually test "$(property "$SCOPE" ActiveState)" != active
	process /bin/init pause
	background "$ID"
	is_loaded "$SCOPE"
	hv delete -f "$ID"
	not is_loaded "$SCOPE"
}

@test "a living unit of the same name is refused and lives on" {
	config '.linux.cgroupsPath = $path' --arg path ":pre:$ID"
	process /bin/init pause
	background "$ID"
	try hv run "$ID-2"
	refused "pre-$ID.scope"
	is_state "$ID" running
	same "$(property "pre-$ID.scope" ActiveState)" active
}

@test "a limit that cannot be set leaves no scope" {
	config '.linux.resources.cpu.cpus = "4000"'
	try hv run "$ID"
	refused cpus
	eventually not is_loaded "$SCOPE"
}

@test "a container that makes groups of its own is removed with them" {
	config '(.mounts[] | select(.type == "cgroup") | .options) -= ["ro"]'
	process /bin/sh -c 'mkdir /sys/fs/cgroup/a /sys/fs/cgroup/a/b && echo 0 >/sys/fs/cgroup/a/b/cgroup.procs && exec /bin/init pause'
	background "$ID"
	try hv exec "$ID" /bin/init ids
	status_is 0
	hv delete -f "$ID"
	not is_loaded "$SCOPE"
	not test -e "/sys/fs/cgroup/system.slice/$SCOPE"
}

@test "run.oci.systemd.subgroup: the container's processes are in a group of the scope, in every verb" {
	config '.annotations["run.oci.systemd.subgroup"] = "payload" | .linux.resources = {"memory": {"limit": 67108864}, "pids": {"limit": 50}}'
	process /bin/init pause
	background "$ID"
	dir=/sys/fs/cgroup/system.slice/$SCOPE
	pid=$(container_pid "$ID")
	same "$(cgroup_path "$pid")" "/system.slice/$SCOPE/payload"
	same "$(<"$dir/cgroup.procs")" "" "processes in the scope itself"
	same "$(property "$SCOPE" MemoryMax) $(property "$SCOPE" TasksMax)" "67108864 50"
	same "$(<"$dir/payload/memory.max") $(<"$dir/payload/pids.max")" "67108864 50"
	hv exec -d --pid-file "$SCRATCH/exec.pid" "$ID" /bin/init pause </dev/null >"$SCRATCH/exec.out" 2>&1
	other=$(<"$SCRATCH/exec.pid")
	same "$(cgroup_path "$other")" "/system.slice/$SCOPE/payload"
	same "$(hv ps -f json "$ID" | jq -c 'sort')" "$(jq -nc '[$ARGS.positional[] | tonumber] | sort' --args "$pid" "$other")"
	hv pause "$ID"
	is_state "$ID" paused
	file_has "$dir/payload/cgroup.events" '^frozen 1'
	hv resume "$ID"
	is_state "$ID" running
	hv update --memory 83886080 --pids-limit 40 "$ID"
	for round in 1 2; do
		same "$(property "$SCOPE" MemoryMax) $(property "$SCOPE" TasksMax)" "83886080 40"
		same "$(<"$dir/payload/memory.max") $(<"$dir/payload/pids.max")" "83886080 40"
		systemctl daemon-reload
	done
	same "$(hv events --stats "$ID" | jq .data.pids.current)" 2
	hv kill --all "$ID" KILL
	eventually is_state "$ID" stopped
	eventually is_gone "$other"
	hv delete "$ID"
	not is_loaded "$SCOPE"
	not test -e "$dir"
}

@test "run.oci.systemd.subgroup: delete of what runs, of what was only created, and of one whose groups are gone" {
	config '.annotations["run.oci.systemd.subgroup"] = "/payload" | .linux.resources.devices = [{"allow": false, "access": "rwm"}]'
	process /bin/init pause
	background "$ID"
	hv delete -f "$ID"
	not is_loaded "$SCOPE"
	create "$ID"
	status_is 0
	same "$(cgroup_path "$(container_pid "$ID")")" "/system.slice/$SCOPE/payload"
	hv delete -f "$ID"
	not is_loaded "$SCOPE"
	background "$ID"
	kill -9 "$(container_pid "$ID")"
	eventually is_state "$ID" stopped
	eventually not test -e "/sys/fs/cgroup/system.slice/$SCOPE"
	hv delete "$ID"
	not is_loaded "$SCOPE"
}

@test "run.oci.systemd.subgroup and run.oci.delegate-cgroup: one below the other" {
	config '.annotations = {"run.oci.systemd.subgroup": "payload", "run.oci.delegate-cgroup": "own"} | .linux.resources.pids.limit = 50 | .process.user.uid = 1000'
	process /bin/init pause
	background "$ID"
	dir=/sys/fs/cgroup/system.slice/$SCOPE
	same "$(cgroup_path "$(container_pid "$ID")")" "/system.slice/$SCOPE/payload/own"
	same "$(<"$dir/pids.max") $(<"$dir/payload/pids.max") $(<"$dir/payload/own/pids.max")" "50 50 max"
	same "$(stat -c %u "$dir" "$dir/payload" "$dir/payload/own" "$dir/payload/own/cgroup.procs" | xargs)" "0 0 1000 1000"
	hv exec -d --pid-file "$SCRATCH/exec.pid" "$ID" /bin/init pause </dev/null >"$SCRATCH/exec.out" 2>&1
	same "$(cgroup_path "$(<"$SCRATCH/exec.pid")")" "/system.slice/$SCOPE/payload/own"
	hv delete -f "$ID"
	not is_loaded "$SCOPE"
	not test -e "$dir"
	config 'del(.annotations["run.oci.systemd.subgroup"])'
	background "$ID"
	same "$(cgroup_path "$(container_pid "$ID")")" "/system.slice/$SCOPE/own"
	hv delete -f "$ID"
	not is_loaded "$SCOPE"
}

@test "run.oci.systemd.subgroup: an empty one is none; one that is no name, or in a slice, is refused" {
	config '.annotations["run.oci.systemd.subgroup"] = ""'
	process /bin/init pause
	background "$ID"
	same "$(cgroup_path "$(container_pid "$ID")")" "/system.slice/$SCOPE"
	hv delete -f "$ID"
	for name in .. ../x a/b .; do
		config '.annotations["run.oci.systemd.subgroup"] = $name' --arg name "$name"
		try hv run "$ID"
		refused "annotation run.oci.systemd.subgroup: bad sub cgroup path"
	done
	config '.annotations["run.oci.systemd.subgroup"] = "payload" | .linux.cgroupsPath = $path' --arg path "::hvtest-c$TAG.slice"
	try hv run "$ID"
	refused "is a slice" "subgroup"
	not is_loaded "$SCOPE"
}

@test "a whole slice as the container's group" {
	config '.linux.cgroupsPath = $path' --arg path "::hvtest-b$TAG.slice"
	process /bin/init pause
	background "$ID"
	same "$(cgroup_path "$(container_pid "$ID")")" "/hvtest.slice/hvtest-b$TAG.slice"
	hv delete -f "$ID"
	not test -e "/sys/fs/cgroup/hvtest.slice/hvtest-b$TAG.slice"
}

@test "no systemd that answers: the error says so" {
	try env -u DBUS_SYSTEM_BUS_ADDRESS unshare -m bash -c 'mount -t tmpfs tmpfs /run && exec "$@"' run "${HV[@]}" --root "$ROOT" run "$ID"
	refused 'no systemd answers'
}
