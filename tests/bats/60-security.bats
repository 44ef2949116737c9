# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck disable=SC2015,SC2016,SC2153,SC2154 # jq programs, and names that lib.bash sets
# Known ways out of a container, each of which some runtime once had: the root file system and the process are hostile.

load lib

@test "no descriptor of the host leaks into run or exec" {
	process /bin/init all fds , pause
	mkdir "$SCRATCH/open"
	"${HV[@]}" run -d "$ID" 8<"$SCRATCH/open" 11<"$SCRATCH/open" 3>&- >"$SCRATCH/$ID.out" 2>&1 </dev/null
	eventually file_has "$SCRATCH/$ID.out" ready
	same "$(grep -c '^fd ' "$SCRATCH/$ID.out")" 3 "descriptors of run"
	"${HV[@]}" exec "$ID" /bin/init all fds 8<"$SCRATCH/open" 11<"$SCRATCH/open" 3>&- >"$SCRATCH/exec.out" </dev/null
	same "$(grep -c '^fd ' "$SCRATCH/exec.out")" 3 "descriptors of exec"
}

@test "CVE-2019-5736: the runtime's own binary cannot be opened for writing" {
	before=$(md5sum "$(readlink -f "$HVRUN")")
	printf '#!/proc/self/exe\n' >rootfs/bin/lure
	chmod 755 rootfs/bin/lure
	config '.root.readonly = false | .process.capabilities = {"bounding": ["CAP_SYS_PTRACE", "CAP_DAC_OVERRIDE"], "effective": ["CAP_SYS_PTRACE", "CAP_DAC_OVERRIDE"], "permitted": ["CAP_SYS_PTRACE", "CAP_DAC_OVERRIDE"]}'
	process /bin/init grab-exe 6
	background "$ID"
	for _ in 1 2 3 4 5 6; do
		try timeout 10 "${HV[@]}" exec "$ID" /bin/lure
	done
	eventually is_state "$ID" stopped
	not grep 'writable' "$SCRATCH/$ID.out"
	same "$(md5sum "$(readlink -f "$HVRUN")")" "$before"
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

@test "a /dev that leads out: no node is made on the host" {
	only_hvrun # Debian's runc 1.1 is affected
	mkdir "$SCRATCH/outside"
	rmdir rootfs/dev
	ln -s "../../../../../../../$SCRATCH/outside" rootfs/dev
	config 'del(.mounts[] | select(.destination | startswith("/dev"))) | .root.readonly = false'
	try hv run "$ID"
	same "$(ls "$SCRATCH/outside")" "" "what is outside"
}

@test "CVE-2025-31133: a link in place of /dev/null is not what masks a path" {
	only_hvrun # Debian's runc 1.1 is affected
	mkdir rootfs/secret
	echo key >rootfs/secret/file
	echo decoy >rootfs/secret/decoy
	ln -s /secret/decoy rootfs/dev/null
	config 'del(.mounts[] | select(.destination | startswith("/dev"))) | .root.readonly = false | .linux.maskedPaths = ["/secret/file"]'
	checks read /secret/file , write /secret/file , read /secret/decoy
	try hv run "$ID"
	[ "$status" != 0 ] || has 'read /secret/file: 0 bytes, '
	same "$(<rootfs/secret/file)" key
}

@test "mount destinations with .. and with links that change nothing outside" {
	mkdir "$SCRATCH/outside" "$SCRATCH/volume"
	echo volume >"$SCRATCH/volume/file"
	ln -s "$SCRATCH/outside" rootfs/absolute
	ln -s . rootfs/loop
	config '.root.readonly = false | .mounts += [
		{destination: ("/../../../../../.." + $scratch + "/outside/dotdot"), type: "bind", source: ($scratch + "/volume"), options: ["bind"]},
		{destination: "/absolute/new", type: "bind", source: ($scratch + "/volume"), options: ["bind"]},
		{destination: "/loop/loop/loop/new", type: "tmpfs", source: "tmpfs"}]' --arg scratch "$SCRATCH"
	checks read "$SCRATCH/outside/dotdot/file" "$SCRATCH/outside/new/file" , mounts
	run_ok
	has "read $SCRATCH/outside/dotdot/file: 7 bytes, volume" "read $SCRATCH/outside/new/file: 7 bytes, volume" 'mount /new: tmpfs .*'
	same "$(ls "$SCRATCH/outside")" "" "what is outside"
}

@test "a link that points at itself ends in an error, not in a loop" {
	ln -s endless rootfs/endless
	config '.root.readonly = false | .mounts += [{destination: "/endless/x", type: "tmpfs", source: "tmpfs"}]'
	before=$(snapshot)
	try hv run "$ID"
	status_is 1
	errors_have "too many levels|symbolic link|endless"
	machine_unchanged "$before"
}

@test "the old way out of a chroot leads to the container's own root" {
	touch rootfs/this-is-the-container
	config '.root.readonly = false | .process.capabilities = {"bounding": ["CAP_SYS_CHROOT"], "effective": ["CAP_SYS_CHROOT"], "permitted": ["CAP_SYS_CHROOT"]}'
	checks chroot-out
	run_ok
	has 'entry /: this-is-the-container'
}

@test "the mount table has nothing of the host's, and no directory of the runtime's is visible" {
	checks mounts , list /run / , stat "$ROOT"
	run_ok
	lacks "^mount .*$TAG/state" "^mount /(mnt|work|tmp|boot)" 'oldroot|old_root|put_old'
	has "stat $ROOT: ENOENT" 'list /run: 0 entries'
}

@test "the state directory is for root alone" {
	process /bin/init pause
	background "$ID"
	dir=$(find "$ROOT" -mindepth 1 -maxdepth 1 -name "*$ID*")
	mode=$(stat -c %a "$dir")
	[ "${mode: -2}" = 00 ] || [ "${mode: -2}" = 11 ] || fail "mode $mode"
}

@test "a FIFO or a device as /etc/passwd does not hang the start" {
	only_hvrun
	rm rootfs/etc/passwd rootfs/etc/group
	mkfifo rootfs/etc/passwd rootfs/etc/group
	config '.process.env = ["PATH=/bin"]'
	CALL_TIMEOUT=20 try hv run "$ID"
	[ "$status" != 124 ]
	machine_unchanged "$(snapshot)"
}

@test "inside there is nothing to reach the host's kernel with" {
	process /bin/init all write /proc/sys/kernel/core_pattern /proc/sysrq-trigger /sys/kernel/uevent_helper /proc/self/oom_score_adj , \
		mknod /dev/shm/disk , seccomp-test mount unshare sethostname , read /dev/vda /proc/kcore /dev/mem
	run_ok
	has 'write /proc/sys/kernel/core_pattern: EROFS' 'write /proc/sysrq-trigger: (EROFS|ENOENT)' 'write /sys/kernel/uevent_helper: (EROFS|ENOENT|EACCES)' \
		'mknod /dev/shm/disk: EPERM' 'call mount: EPERM' 'read /dev/vda: ENOENT' 'read /dev/mem: ENOENT'
	[ "$(cat /proc/sys/kernel/core_pattern)" != written ]
}
