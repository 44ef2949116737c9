# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# shellcheck disable=SC2015,SC2016,SC2153,SC2154 # jq programs, and names that lib.bash sets
# update: limits of a running container, by options and from a file, seen from inside and outside.

load lib

setup_test()
{
	config '.linux.resources = {"memory": {"limit": 67108864, "swap": 67108864}, "pids": {"limit": 40}, "cpu": {"quota": 50000, "period": 100000, "shares": 512}}'
	process /bin/init pause
}

inside()
{
	try hv exec "$ID" /bin/init cgroup
	status_is 0
	has "$@"
}

@test "update by options: one changes, the others stay" {
	background "$ID"
	try hv update --pids-limit 30 "$ID"
	status_is 0
	no_errors
	[ -z "$output" ]
	inside 'pids.limit: 30' 'memory.limit: 67108864' 'cpu.quota: 50000' 'cpu.period: 100000'
	hv update --cpu-quota 20000 --cpu-period 50000 "$ID"
	inside 'cpu.quota: 20000' 'cpu.period: 50000' 'pids.limit: 30'
	hv update --pids-limit -1 "$ID"
	inside 'pids.limit: max'
}

@test "update of memory: sizes with suffixes, growing and shrinking, with swap" {
	background "$ID"
	hv update --memory 100M --memory-swap 120M "$ID"
	inside 'memory.limit: 104857600'
	hv update --memory 50m --memory-swap 50m "$ID"
	inside 'memory.limit: 52428800'
	hv update --memory 67108864 --memory-swap 1g "$ID"
	inside 'memory.limit: 67108864'
}

@test "update from a file and from stdin, as engines send it" {
	background "$ID"
	echo '{"memory": {"limit": 73400320, "swap": 73400320}, "cpu": {"shares": 0, "quota": 30000, "period": 100000, "cpus": ""}, "pids": {"limit": 25}}' >"$SCRATCH/r.json"
	try hv update --resources "$SCRATCH/r.json" "$ID"
	status_is 0
	no_errors
	inside 'memory.limit: 73400320' 'pids.limit: 25' 'cpu.quota: 30000'
	echo '{"pids": {"limit": 22}}' >"$SCRATCH/r.json"
	try_stdin "$SCRATCH/r.json" hv update -r - "$ID"
	status_is 0
	inside 'pids.limit: 22' 'memory.limit: 73400320'
}

# The host's group has them in both types: a virtual machine has processors and devices of its own.
@test "update of the host's processors and block devices" {
	background "$ID"
	last=$(($(nproc --all) - 1))
	try hv update --cpuset-cpus "$last" --cpuset-mems 0 "$ID"
	status_is 0
	no_errors
	dir=$(cgroup_of "$ID" cpuset)
	[ -z "$dir" ] || same "$(<"$dir/cpuset.cpus")" "$last"
	device=$(lsblk -dnro MAJ:MIN -e 1,7,11 2>/dev/null | head -n 1)
	skip_unless "no block device" test -n "$device"
	jq -n --arg d "$device" '{blockIO: {throttleReadBpsDevice: [{major: ($d | split(":")[0] | tonumber), minor: ($d | split(":")[1] | tonumber), rate: 1048576}]},
		pids: {limit: 25}}' >"$SCRATCH/r.json"
	try hv update -r "$SCRATCH/r.json" "$ID"
	status_is 0
	no_errors
	dir=$(cgroup_of "$ID" blkio)
	[ -z "$dir" ] || [ ! -e "$dir/blkio.throttle.read_bps_device" ] || grep -qx "$device 1048576" "$dir/blkio.throttle.read_bps_device"
	inside 'pids.limit: 25'
}

# A virtual machine's memory is the host's to swap, whatever the guest's kernel knows.
@test "swappiness is the host's, by create and by update" {
	dir=/sys/fs/cgroup/memory
	skip_unless "no memory.swappiness, which only cgroup v1 has" test -e "$dir/memory.swappiness"
	config '.linux.resources.memory.swappiness = 30'
	background "$ID"
	dir=$(cgroup_of "$ID" memory)
	same "$(<"$dir/memory.swappiness")" 30
	echo '{"memory": {"swappiness": 40}}' >"$SCRATCH/r.json"
	try hv update -r "$SCRATCH/r.json" "$ID"
	status_is 0
	same "$(<"$dir/memory.swappiness")" 40
	inside 'memory.limit: 67108864'
}

@test "update leaves device rules alone" {
	background "$ID"
	echo '{"devices": [{"allow": false, "access": "rwm"}], "pids": {"limit": 25}}' >"$SCRATCH/r.json"
	hv update -r "$SCRATCH/r.json" "$ID"
	try hv exec "$ID" /bin/sh -c 'echo x >/dev/null && head -c1 /dev/zero >/dev/null; echo $?'
	status_is 0
	inside 'pids.limit: 25'
}

@test "the host's share of a machine keeps room for it" {
	only_hyperv "the host's limits are the container's"
	only_hvrun
	background "$ID"
	dir=$(cgroup_of "$ID" memory)
	hv update --memory 100M --memory-swap 100M "$ID"
	limit=$(cat "$dir/memory.limit_in_bytes" 2>/dev/null || cat "$dir/memory.max")
	[ "$limit" -gt 104857600 ]
	try hv update --memory 100G --memory-swap 100G "$ID"
	refused "memory.limit" "virtual machine"
	inside 'memory.limit: 104857600'
}

@test "the machine that was made counts, not the one that the configuration would make now" {
	only_hyperv "there is no machine"
	only_hvrun
	config 'del(.linux.resources.memory)'
	background "$ID"
	echo '{"hyperv": {"memory": "40G"}}' >"$SCRATCH/large.json"
	try hv --config-file "$SCRATCH/large.json" update --memory 30G --memory-swap 30G "$ID"
	refused "memory.limit" "virtual machine"
	echo '{"hyperv": {"memory": "160M"}}' >"$SCRATCH/small.json"
	try hv --config-file "$SCRATCH/small.json" update --memory 100M --memory-swap 100M "$ID"
	status_is 0
	inside 'memory.limit: 104857600'
}

@test "bad values are refused, and nothing changes" {
	background "$ID"
	for bad in "--memory 10X" "--pids-limit many" "--cpu-period -5" "--cpu-quota 1.5" "--resources $SCRATCH/none" "--nonsense 1"; do
		# shellcheck disable=SC2086 # words
		try hv update $bad "$ID"
		[ "$status" = 1 ] || fail "taken: $bad"
		[ -n "$errors" ]
	done
	echo '{"memory": {"limit": "much"}}' >"$SCRATCH/r.json"
	try hv update -r "$SCRATCH/r.json" "$ID"
	refused "memory.limit"
	inside 'pids.limit: 40' 'memory.limit: 67108864' 'cpu.quota: 50000'
	try hv update --pids-limit 3 nobody
	refused "does not exist"
}

@test "obsolete options are accepted" {
	background "$ID"
	try hv update --kernel-memory 50M --kernel-memory-tcp 50M --pids-limit 21 "$ID"
	status_is 0
	no_errors
	inside 'pids.limit: 21'
}

@test "a stopped container is not updated" {
	process /bin/init exit 0
	background "$ID" ""
	eventually is_state "$ID" stopped
	try hv update --pids-limit 3 "$ID"
	refused "not running"
}
