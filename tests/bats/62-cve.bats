# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck disable=SC2015,SC2016,SC2153,SC2154 # jq programs, and names that lib.bash sets
# Every published way out of runc, crun, youki and their like: the attack is mounted, and must fail. What defends, and how
# each test fails without it, is in doc/SECURITY-TESTS.md. Races are real: helpers/swap exchanges two names for as long as
# containers are made.

load lib

SWAP=$HVTEST_BIN/bats/helpers/swap
ROUNDS=${RACE_ROUNDS:-40}

setup_test()
{
	! is_hyperv || ROUNDS=${RACE_ROUNDS:-6} # a machine is slower to make, and the same code runs inside
	OUTSIDE=$SCRATCH/outside
	mkdir "$OUTSIDE"
	config '.root.readonly = false'
}

# Two names are exchanged from now on: "race A B".
race()
{
	"$SWAP" 120 "$1" "$2" >"$SCRATCH/swap.out" 2>&1 3>&- &
	RACER=$!
}

race_over()
{
	kill "$RACER"
	wait "$RACER" || fail "the race has not been one: $(<"$SCRATCH/swap.out")" || return 1
	[ "$(<"$SCRATCH/swap.out")" -gt 100 ] || fail "only $(<"$SCRATCH/swap.out") exchanges"
}

nothing_outside()
{
	same "$(find "$OUTSIDE" -mindepth 1)" "" "what is outside the root file system"
}

give_caps()
{
	config '.process.capabilities = ({} | .bounding = $ARGS.positional | .effective = $ARGS.positional | .permitted = $ARGS.positional)' --args -- "$@"
}

user_namespace()
{
	config '.linux.namespaces += [{"type": "user"}]
		| .linux.uidMappings = [{"containerID": 0, "hostID": 0, "size": 65536}] | .linux.gidMappings = .linux.uidMappings'
}

@test "CVE-2016-9962: what execs into a container cannot be looked into" {
	user_namespace
	give_caps CAP_SYS_PTRACE CAP_DAC_OVERRIDE CAP_SYS_ADMIN
	process /bin/init grab-fds 6
	background "$ID"
	local i
	for ((i = 0; i < ROUNDS; i++)); do
		is_state "$ID" running || break
		try hv exec "$ID" /bin/init exit 0
	done
	eventually is_state "$ID" stopped
	not grep reachable "$SCRATCH/$ID.out"
}

@test "CVE-2016-9962: what is created into the namespaces of a container cannot be looked into" {
	not_hyperv "a machine of one's own shares none"
	user_namespace
	give_caps CAP_SYS_PTRACE CAP_DAC_OVERRIDE CAP_SYS_ADMIN
	process /bin/init grab-fds 600
	background "$ID"
	pid=$(<"$SCRATCH/$ID.pid")
	process /bin/init exit 0
	config 'del(.linux.uidMappings, .linux.gidMappings)
		| .linux.namespaces |= map(if .type == "pid" or .type == "user" then .path = "/proc/\($pid)/ns/\(.type)" else . end)' --arg pid "$pid"
	create "$ID-2"
	status_is 0
	sleep 1 # of looking at a process that waits for start
	hv kill "$ID" KILL
	eventually is_state "$ID" stopped
	hv delete -f "$ID-2"
	not grep reachable "$SCRATCH/$ID.out"
}

@test "CVE-2019-5736: the runtime's own binary cannot be opened for writing" {
	before=$(md5sum "$(readlink -f "$HVRUN")")
	printf '#!/proc/self/exe\n' >rootfs/bin/lure
	chmod 755 rootfs/bin/lure
	give_caps CAP_SYS_PTRACE CAP_DAC_OVERRIDE
	process /bin/init grab-exe 6
	background "$ID"
	for _ in 1 2 3 4 5 6; do
		try timeout 10 "${HV[@]}" exec "$ID" /bin/lure
	done
	eventually is_state "$ID" stopped
	not grep 'writable' "$SCRATCH/$ID.out"
	same "$(md5sum "$(readlink -f "$HVRUN")")" "$before"
}

@test "CVE-2019-16884: a volume over /proc does not stand in for it" {
	only_hvrun
	mkdir -p "$SCRATCH/volume/self/attr/apparmor"
	touch "$SCRATCH/volume/self/attr/exec" "$SCRATCH/volume/self/attr/apparmor/exec"
	ln -s . rootfs/loop
	for destination in /proc /proc/ /tmp/../proc /loop/loop/proc; do
		config '.mounts += [{destination: $to, type: "bind", source: $from, options: ["rbind", "rw"]}]' --arg to "$destination" --arg from "$SCRATCH/volume"
		before=$(snapshot)
		try hv run "$ID"
		refused '/proc'
		machine_unchanged "$before"
		config 'del(.mounts[-1])'
	done
	config '.mounts |= map(if .destination == "/proc" then .type = "tmpfs" else . end)'
	try hv run "$ID"
	refused '/proc.*only type proc'
}

@test "CVE-2019-19921: /proc or /sys as a link in the root file system" {
	for name in proc sys; do
		rmdir "rootfs/$name"
		mkdir -p rootfs/elsewhere
		ln -s /elsewhere "rootfs/$name"
		before=$(snapshot)
		try hv run "$ID"
		status_is 1
		errors_have "ordinary directory|$name"
		machine_unchanged "$before"
		rm "rootfs/$name"
		mkdir "rootfs/$name"
	done
}

@test "CVE-2023-27561, CVE-2023-28642: /proc is exchanged for a link while it is mounted" {
	only_hvrun
	mkdir rootfs/elsewhere
	ln -s elsewhere rootfs/proc-link
	checks list /elsewhere
	race rootfs/proc rootfs/proc-link
	local i
	for ((i = 0; i < ROUNDS; i++)); do
		try hv run "$ID"
		if [ "$status" = 0 ]; then
			has 'list /elsewhere: 0 entries'
		else
			errors_have 'ordinary directory|/proc|not a directory|too many|no such file'
		fi
		same "$(find rootfs/elsewhere -mindepth 1)" "" "what is elsewhere"
	done
	race_over
}

@test "CVE-2021-30465: a destination is exchanged for a link while it is mounted on" {
	only_hvrun # Debian's runc 1.1 refuses some and lets others through
	mkdir -p rootfs/shared/mnt/place "$OUTSIDE/place" "$SCRATCH/volume"
	chmod 700 "$OUTSIDE"
	ln -s "$OUTSIDE" rootfs/shared/link
	config '.mounts += [{destination: "/shared/mnt/place", type: "tmpfs", source: "tmpfs", options: ["size=132k"]}]'
	checks mounts
	race rootfs/shared/mnt rootfs/shared/link
	local i
	for ((i = 0; i < ROUNDS; i++)); do
		try hv run "$ID"
		# made: then it is the container's, by whichever of the two ways
		[ "$status" != 0 ] || has 'mount .*/place: tmpfs .*size=132k.*'
	done
	race_over
	same "$(cd "$OUTSIDE" && find . -mindepth 1)" ./place "what is outside the root file system"
}

@test "CVE-2021-43784: a name of 64 KiB and more is not cut to a short one" {
	local i long
	long=$(printf '%070000d' 0)
	for i in 65519 65536 70000; do
		config '.linux.namespaces |= map(if .type == "network" then .path = "/proc/self/ns/net" + $long[:$n | tonumber] else . end)' --arg n "$i" --arg long "$long"
		before=$(snapshot)
		try hv run "$ID"
		status_is 1
		errors_have 'name too long|network|namespace'
		machine_unchanged "$before"
	done
}

@test "CVE-2022-29162, CVE-2022-27650, CVE-2025-27612: exec's capabilities are not inheritable" {
	process /bin/init pause
	background "$ID"
	try hv exec --cap CAP_NET_RAW --cap CAP_SYS_ADMIN "$ID" /bin/init caps
	status_is 0
	has 'CapInh: 0+' 'CapAmb: 0+' 'CapEff: 0*[1-9a-f][0-9a-f]*'
	try hv exec "$ID" /bin/init caps
	has 'CapInh: 0+' 'CapAmb: 0+'
}

@test "CVE-2023-25809: without a cgroup namespace the host's groups are not there to be written" {
	user_namespace
	config '.linux.namespaces |= map(select(.type != "cgroup"))
		| .mounts |= map(select(.destination != "/sys/fs/cgroup")) + [{destination: "/sys/fs/cgroup", type: "cgroup", source: "cgroup", options: ["nosuid", "noexec", "nodev", "relatime", "ro"]}]'
	group_at "/$TAG-cg"
	mkdir -p "$SCRATCH"
	process /bin/sh -c 'for d in /sys/fs/cgroup /sys/fs/cgroup/*; do mkdir "$d/'"$TAG"'-evil" 2>/dev/null && echo "made in $d"; done
		for d in /sys/fs/cgroup /sys/fs/cgroup/*; do [ ! -e "$d/'"$TAG"'-cg" ] || echo "sees $d"; done; echo end'
	try hv run "$ID"
	status_is 0
	has end
	lacks 'made in' 'sees'
	same "$(find /sys/fs/cgroup -type d -name "$TAG-evil")" ""
}

@test "CVE-2024-21626: a working directory behind a descriptor" {
	process /bin/init pause
	background "$ID"
	for fd in 3 4 5 6 7 8 9 10 11 12; do
		try hv exec --cwd "/proc/self/fd/$fd" "$ID" /bin/init all cwd , list .. ../..
		[ "$status" != 0 ] || lacks 'unreachable' "entry .*: (hvt.*|work)$"
	done
	hv delete -f "$ID"
	process /bin/init all cwd , list .. ../..
	for fd in 3 7 8; do
		config '.process.cwd = $cwd' --arg cwd "/proc/self/fd/$fd"
		try hv run "$ID"
		[ "$status" != 0 ] || lacks 'unreachable' "entry .*: hvt"
	done
}

@test "CVE-2024-21626: a directory of the host's that the caller left open is not a way out" {
	process /bin/init pause
	background "$ID"
	ln -s /proc/self/fd/8 rootfs/work
	for cwd in /proc/self/fd/8 /proc/thread-self/fd/8 /work /dev/fd/8; do
		try hv exec --cwd "$cwd" "$ID" /bin/init all cwd , list . 8<"$SCRATCH"
		[ "$status" != 0 ] || lacks 'unreachable' 'entry .*: (outside|bundle)'
	done
	hv delete -f "$ID"
	process /bin/init all cwd , list .
	for cwd in /proc/self/fd/8 /work /dev/fd/8; do
		config '.process.cwd = $cwd' --arg cwd "$cwd"
		try hv run "$ID" 8<"$SCRATCH"
		[ "$status" != 0 ] || lacks 'unreachable' 'entry .*: (outside|bundle)'
	done
}

@test "CVE-2024-45310: nothing is made outside while a directory of the way is exchanged for a link" {
	only_hvrun # Debian's runc 1.1 is affected
	mkdir -p rootfs/shared/dir
	ln -s "$OUTSIDE" rootfs/shared/link
	touch "$SCRATCH/file"
	config '.mounts += [range(0; 12) as $i | {destination: "/shared/dir/a\($i)/b/c", type: "tmpfs", source: "tmpfs"},
		{destination: "/shared/dir/f\($i)/file", type: "bind", source: $file, options: ["bind"]}]' --arg file "$SCRATCH/file"
	race rootfs/shared/dir rootfs/shared/link
	local i
	for ((i = 0; i < ROUNDS; i++)); do
		try hv run "$ID"
		find rootfs/shared -mindepth 2 -delete 2>/dev/null || true
		nothing_outside
	done
	race_over
}

@test "CVE-2025-24965: nothing of the runtime's is written through links of the root file system" {
	local name
	rm -rf rootfs/etc rootfs/run
	for name in .krun_config.json config.json init.krun .hvrun run etc hosts resolv.conf lib; do
		ln -s "$OUTSIDE/$name" "rootfs/$name"
	done
	try hv run "$ID"
	nothing_outside
	process /bin/init pause
	background "$ID" || true
	try hv exec "$ID" /bin/init exit 0
	nothing_outside
}

@test "CVE-2025-31133: a link in place of /dev/null is not what masks a path" {
	only_hvrun # Debian's runc 1.1 is affected
	mkdir rootfs/secret
	echo key >rootfs/secret/file
	echo decoy >rootfs/secret/decoy
	config 'del(.mounts[] | select(.destination | startswith("/dev"))) | .linux.maskedPaths = ["/secret/file"]'
	checks read /secret/file , write /secret/file , read /secret/decoy
	# from the start, and when devices have been made but nothing is masked yet
	printf '#!/bin/sh\nexec ln -sfn /secret/decoy "%s/rootfs/dev/null"\n' "$BUNDLE" >"$SCRATCH/hook"
	chmod 755 "$SCRATCH/hook"
	ln -s /secret/decoy rootfs/dev/null
	for _ in 1 2; do
		try hv run "$ID"
		[ "$status" != 0 ] || has 'read /secret/file: 0 bytes, '
		same "$(<rootfs/secret/file)" key
		rm rootfs/dev/null
		config '.hooks = {createRuntime: [{path: $hook}]}' --arg hook "$SCRATCH/hook"
	done
}

@test "CVE-2025-31133: /dev/null is exchanged for a link while paths are masked" {
	only_hvrun
	mkdir rootfs/secret
	echo key >rootfs/secret/file
	echo decoy >rootfs/secret/decoy
	mknod -m 666 rootfs/dev/null c 1 3
	ln -s /secret/decoy rootfs/dev/null-link
	config 'del(.mounts[] | select(.destination | startswith("/dev"))) | .linux.maskedPaths = ["/secret/file"]'
	checks read /secret/file
	race rootfs/dev/null rootfs/dev/null-link
	local i
	for ((i = 0; i < ROUNDS; i++)); do
		try hv run "$ID"
		[ "$status" != 0 ] || has 'read /secret/file: 0 bytes, '
	done
	race_over
	same "$(<rootfs/secret/file)" key
}

# A terminal's manager, as in 13-terminal.bats.
run_with_console()
{
	rm -f "$SCRATCH/console.sock"
	"$CONSOLE" receive "$SCRATCH/console.sock" >"$SCRATCH/tty" 2>&1 </dev/null 3>&- &
	RECEIVER=$!
	eventually test -S "$SCRATCH/console.sock"
	try hv run -d --console-socket "$SCRATCH/console.sock" "$ID"
	[ "$status" = 0 ] || kill "$RECEIVER" 2>/dev/null || true
	wait "$RECEIVER" || true
	output=$(tr -d '\r' <"$SCRATCH/tty")
}

@test "CVE-2025-52565: a link in place of /dev/console does not put the terminal over another file" {
	only_hvrun
	mkdir rootfs/secret
	echo key >rootfs/secret/file
	ln -s /secret/file rootfs/dev/console
	# /dev is the image's own, with devpts in it
	mkdir rootfs/dev/pts
	config 'del(.mounts[] | select(.destination | . == "/dev" or . == "/dev/shm" or . == "/dev/mqueue")) | .process.terminal = true'
	checks stat /secret/file , read /secret/file
	run_with_console
	[ "$status" != 0 ] || has 'stat /secret/file: file .*' 'read /secret/file: 4 bytes, key'
	same "$(<rootfs/secret/file)" key
}

@test "CVE-2025-52565: a ptmx of the image's own is no terminal" {
	only_hvrun
	not_hyperv "QEMU 7.2's 9p server makes no device nodes, and this /dev is the image's"
	mkdir -p rootfs/dev/pts/pts
	mknod -m 666 rootfs/dev/pts/ptmx c 5 2
	config 'del(.mounts[] | select(.destination | startswith("/dev"))) | .process.terminal = true
		| .mounts += [{destination: "/dev/pts/pts", type: "devpts", source: "devpts", options: ["newinstance", "ptmxmode=0666"]}]'
	run_with_console
	[ "$status" != 0 ] || fail "it was taken"
	errors_have 'ptmx'
}

# The runtime in a mount namespace of its own in which the commands of the script $1 were done first.
in_prepared_namespace()
{
	local script=$1
	shift
	unshare -m --propagation private bash -c "set -e; $script"'; exec "$@"' bash "$@"
}

@test "CVE-2025-52881: a kernel parameter is not written to what is mounted over it" {
	not_hyperv "the guest's /proc is its own"
	only_hvrun
	echo untouched >"$SCRATCH/decoy"
	config '.linux.sysctl = {"net.ipv4.ping_group_range": "7 8"}'
	checks read /proc/sys/net/ipv4/ping_group_range
	for over in /proc/sys/net/ipv4/ping_group_range /proc/sys/net/ipv4 /proc/sys; do
		mkdir -p "$SCRATCH/tree/net/ipv4"
		cp "$SCRATCH/decoy" "$SCRATCH/tree/net/ipv4/ping_group_range"
		cp "$SCRATCH/decoy" "$SCRATCH/tree/ping_group_range"
		source=$SCRATCH/tree
		[ -d $over ] || source=$SCRATCH/decoy
		try in_prepared_namespace "mount --bind $source $over" "${HV[@]}" run "$ID"
		if [ "$status" = 0 ]; then
			has 'read /proc/sys/net/ipv4/ping_group_range: .* 7.8'
		else
			errors_have 'sysctl|cross-device|proc'
		fi
		for file in "$SCRATCH/decoy" "$SCRATCH/tree/net/ipv4/ping_group_range" "$SCRATCH/tree/ping_group_range"; do
			same "$(<"$file")" untouched "$file"
		done
	done
}

@test "CVE-2025-52881: a mount over /proc/sys or /proc/self of the container changes where nothing goes" {
	only_hvrun
	mkdir -p "$SCRATCH/fake/net/ipv4"
	echo untouched >"$SCRATCH/fake/net/ipv4/ping_group_range"
	config '.linux.sysctl = {"net.ipv4.ping_group_range": "7 8"} | .linux.readonlyPaths = [] | .linux.maskedPaths = []
		| .mounts += [{destination: "/proc/sys", type: "bind", source: $from, options: ["bind", "rw"]}]' --arg from "$SCRATCH/fake"
	process /bin/init pause
	background "$ID"
	same "$(<"$SCRATCH/fake/net/ipv4/ping_group_range")" untouched
	try hv exec "$ID" /bin/init read /proc/sys/net/ipv4/ping_group_range
	if ! is_hyperv; then
		same "$(nsenter -t "$(<"$SCRATCH/$ID.pid")" -n cat /proc/sys/net/ipv4/ping_group_range)" $'7\t8' "the true parameter"
	fi
}

@test "CVE-2026-30892: what is not a number is not uid 0" {
	process /bin/init pause
	background "$ID"
	for user in '' x 1x 0x0 '1 ' ' 1' -1 +1 4294967295 4294967296 18446744073709551616 1: :1 1:x 1:-1 1:4294967295 root 1.0 1:1:1; do
		try hv exec -u "$user" "$ID" /bin/init ids
		[ "$status" != 0 ] || fail "\"$user\" was taken" || return 1
		lacks 'uid: '
	done
	try hv exec -u 1 "$ID" /bin/init ids
	has 'uid: 1 1'
}

@test "CVE-2026-41579, CVE-2026-47766: a /dev that leads out: no node is made on the host" {
	only_hvrun # Debian's runc 1.1 is affected
	rmdir rootfs/dev
	config 'del(.mounts[] | select(.destination | startswith("/dev")))'
	for target in "../../../../../../..$OUTSIDE" "$OUTSIDE"; do
		ln -sfn "$target" rootfs/dev
		touch "$OUTSIDE/ptmx"
		try hv run "$ID"
		same "$(ls "$OUTSIDE")" ptmx "what is outside"
		same "$(stat -c %F "$OUTSIDE/ptmx")" "regular empty file"
	done
}

@test "CVE-2026-41579, CVE-2026-47766: /dev is exchanged for a link while its nodes are made" {
	only_hvrun
	ln -s "$OUTSIDE" rootfs/dev-link
	config 'del(.mounts[] | select(.destination | startswith("/dev")))'
	touch "$OUTSIDE/ptmx"
	race rootfs/dev rootfs/dev-link
	local i
	for ((i = 0; i < ROUNDS; i++)); do
		try hv run "$ID"
		same "$(ls "$OUTSIDE")" ptmx "what is outside"
		same "$(stat -c %F "$OUTSIDE/ptmx")" "regular empty file"
		find rootfs/dev -mindepth 1 -delete 2>/dev/null || true
	done
	race_over
}

@test "no CVE: exec's --cgroup does not lead out of the container's own group" {
	not_hyperv "groups are the guest's"
	only_hvrun
	process /bin/init pause
	group_at "/$TAG-cg/sub"
	background "$ID"
	for sub in .. ../.. /../../.. ../../../../.. x/../../.. memory:.. cpu,memory:/../..; do
		try hv exec --cgroup "$sub" "$ID" /bin/init cgroup-path
		[ "$status" != 0 ] || fail "\"$sub\" was taken" || return 1
		errors_have 'sub cgroup'
	done
}

@test "no CVE: two seccomp profiles that differ in one field have two filters" {
	local n
	config '.linux.seccomp = {"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [
		{"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_ERRNO", "errnoRet": 1}, {"names": ["getcwd"], "action": "SCMP_ACT_ERRNO", "errnoRet": 13}]}'
	checks seccomp-test mkdir getcwd
	run_ok
	has 'call mkdir: EPERM' 'call getcwd: EACCES'
	for n in '38 ENOSYS' '22 EINVAL' '5 EIO'; do
		config '.linux.seccomp.syscalls[0].errnoRet = ($n | tonumber)' --arg n "${n% *}"
		run_ok
		has "call mkdir: ${n#* }" 'call getcwd: EACCES'
	done
	# names that read the same when they stand side by side
	config '.linux.seccomp.syscalls[0].names = ["mkdir", "at"]'
	run_ok
	config '.linux.seccomp.syscalls = [{"names": ["getcwd"], "action": "SCMP_ACT_ALLOW"}]'
	run_ok
	has 'call mkdir: ok' 'call getcwd: ok'
}

# In a file of the cache (linux/seccomp_cache.c): SECCOMP_RET_ERRNO | EACCES becomes SECCOMP_RET_ALLOW.
forge_filter()
{
	python3 - "$1" <<-'END'
		import struct, sys
		name = sys.argv[1]
		data = open(name, "rb").read()
		magic, key_len, n, _ = struct.unpack("8sIIQ", data[:24])
		key, insns = data[24:24 + key_len], data[24 + key_len:]
		assert len(insns) == 8 * n
		forged = insns.replace(struct.pack("<I", 0x0005000D), struct.pack("<I", 0x7FFF0000))
		assert forged != insns
		total = 0xCBF29CE484222325
		for byte in forged:
		    total = (total ^ byte) * 0x100000001B3 % 2**64
		open(name, "wb").write(struct.pack("8sIIQ", magic, key_len, n, total) + key + forged)
	END
}

@test "no CVE: a filter that somebody put into the cache is not loaded" {
	not_hyperv "the cache is the guest's"
	only_hvrun
	config '.linux.seccomp = {"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["getcwd"], "action": "SCMP_ACT_ERRNO", "errnoRet": 13}]}'
	checks seccomp-test getcwd
	run_ok
	has 'call getcwd: EACCES'
	local cache=$ROOT/.cache/seccomp file
	[ -d "$cache" ] || return 0
	file=$(find "$cache" -type f | head -n 1)
	[ -n "$file" ]
	# damaged
	printf '\0\0\0\0' | dd of="$file" bs=1 seek=$(($(stat -c %s "$file") - 12)) conv=notrunc status=none
	run_ok
	has 'call getcwd: EACCES'
	# by somebody who may write it: the right key, a right sum, and a filter that allows
	rm "$cache"/*
	run_ok
	file=$(find "$cache" -type f | head -n 1)
	forge_filter "$file"
	chmod 666 "$file"
	run_ok
	has 'call getcwd: EACCES'
	# a link to somewhere else, a FIFO
	for kind in link fifo; do
		rm -f "$cache"/*
		run_ok
		file=$(find "$cache" -type f | head -n 1)
		rm "$file"
		[ $kind = link ] && ln -s /dev/zero "$file" || mkfifo "$file"
		CALL_TIMEOUT=20 run_ok
		has 'call getcwd: EACCES'
	done
}
