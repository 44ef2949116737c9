# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck disable=SC2015,SC2016,SC2153,SC2154 # jq programs, and names that lib.bash sets
# root.readonly, maskedPaths, readonlyPaths: runtime-spec config.md, "Root", and config-linux.md.

load lib

@test "root.readonly" {
	checks write /file /tmp/file /bin/init , readonly / /etc
	run_ok
	has 'write /file: EROFS' 'write /tmp/file: EROFS' 'write /bin/init: (EROFS|ETXTBSY)' 'create /: EROFS' 'create /etc: EROFS'
	config '.root.readonly = false'
	checks write /file /tmp/file , readonly / /etc
	run_ok
	has 'write /file: ok' 'create /etc: ok'
	same "$(<rootfs/file)" written "the file in the root file system"
}

@test "masked paths: files read as empty, directories are empty and stay so" {
	mkdir -p rootfs/secret/dir
	echo key >rootfs/secret/file
	echo key >rootfs/secret/dir/file
	config '.linux.maskedPaths = ["/proc/kcore", "/proc/sched_debug", "/proc/scsi", "/sys/firmware", "/secret/file", "/secret/dir", "/secret/file", "/no/such/path"]
		| .root.readonly = false'
	checks read /secret/file /proc/kcore , list /secret/dir /sys/firmware , readonly /secret/dir , write TEXT=x /secret/file
	run_ok
	has 'read /secret/file: 0 bytes, ' 'read /proc/kcore: (0 bytes, |ENOENT)' 'list /secret/dir: 0 entries' 'list /sys/firmware: (0 entries|ENOENT)' \
		'create /secret/dir: EROFS'
	same "$(<rootfs/secret/file)" key
}

@test "read-only paths" {
	mkdir -p rootfs/config/below
	echo old >rootfs/config/file
	config '.linux.readonlyPaths = ["/proc/sys", "/proc/sysrq-trigger", "/proc/irq", "/config", "/no/such/path"] | .root.readonly = false
		| .process.capabilities = {"bounding": ["CAP_SYS_ADMIN"], "effective": ["CAP_SYS_ADMIN"], "permitted": ["CAP_SYS_ADMIN"]}'
	checks write /config/file /proc/sys/kernel/hostname /proc/sysrq-trigger , readonly /config/below , read /config/file , write /elsewhere
	run_ok
	has 'write /config/file: EROFS' 'write /proc/sys/kernel/hostname: EROFS' 'write /proc/sysrq-trigger: (EROFS|ENOENT)' 'create /config/below: EROFS' \
		'read /config/file: 4 bytes, old' 'write /elsewhere: ok'
}

@test "without CAP_SYS_ADMIN none of it can be taken off" {
	checks remount / /proc/sys , umount /proc/sys /proc/kcore , seccomp-test mount unshare
	run_ok
	has 'remount /: EPERM' 'remount /proc/sys: EPERM' 'umount /proc/sys: EPERM' 'call mount: EPERM' 'call unshare: EPERM'
}

@test "a missing root file system, a file in its place, and one that is a link" {
	before=$(snapshot)
	config '.root.path = "nothing"'
	try hv run "$ID"
	refused "nothing"
	config '.root.path = "config.json"'
	try hv run "$ID"
	status_is 1
	ln -s rootfs link
	config '.root.path = "link"'
	try hv run "$ID"
	refused "invalid rootfs|symlink"
	config '.root.path = "/"'
	try hv run "$ID"
	status_is 1
	config 'del(.root)'
	try hv run "$ID"
	status_is 1
	errors_have root
	machine_unchanged "$before"
}

@test "an absolute root path outside of the bundle" {
	mv rootfs "$SCRATCH/elsewhere"
	config '.root.path = $path' --arg path "$SCRATCH/elsewhere"
	process /bin/init exit 3
	try hv run "$ID"
	status_is 3
}
