# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck disable=SC2015,SC2016,SC2153,SC2154 # jq programs, and names that lib.bash sets
# Ways out of a container: the root file system and the process are hostile. Those with a CVE are in 62-cve.bats.

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
