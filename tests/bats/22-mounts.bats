# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck disable=SC2015,SC2016,SC2153,SC2154 # jq programs, and names that lib.bash sets
# mounts: runtime-spec config.md, "Mounts".

load lib

setup_test()
{
	mkdir "$SCRATCH/volume"
	echo "from the host" >"$SCRATCH/volume/file"
}

mount_add()
{
	config ".mounts += [$1]" --arg volume "$SCRATCH/volume" --arg scratch "$SCRATCH"
}

@test "the standard mounts" {
	checks mounts , stat /dev/shm /dev/mqueue /dev/pts /proc/1/status /sys/kernel
	run_ok
	has 'mount /proc: proc rw.*' 'mount /dev: tmpfs rw,nosuid.*size=65536k.*mode=755.*' \
		'mount /dev/pts: devpts rw,nosuid,noexec.*gid=5,mode=620,ptmxmode=666.*' 'mount /dev/shm: tmpfs rw,nosuid,nodev,noexec.*size=65536k.*' \
		'mount /dev/mqueue: mqueue rw,nosuid,nodev,noexec.*' 'mount /sys: sysfs ro,nosuid,nodev,noexec.*' \
		'stat /dev/shm: dir 1777 0 0' 'mount /: .* ro,.*'
}

@test "tmpfs: size, mode, flags" {
	mount_add '{destination: "/made", type: "tmpfs", source: "tmpfs", options: ["size=1m", "mode=700", "nosuid", "nodev", "noexec"]},
		{destination: "/tmp", type: "tmpfs", source: "tmpfs", options: ["size=64k"]}'
	config '.root.readonly = false'
	process /bin/init all mounts , stat /made /tmp , write /made/file /tmp/file
	run_ok
	has 'mount /made: tmpfs rw,nosuid,nodev,noexec.*size=1024k,mode=700.*' 'stat /made: dir 0700 0 0' 'write /made/file: ok' \
		'mount /tmp: tmpfs .*size=64k.*'
	[ ! -e rootfs/tmp/file ]
	process /bin/sh -c 'cat /dev/zero >/tmp/fill; echo done'
	run_ok
	errors_have "no space left"
}

@test "several file system options in one string, as mount(2) takes them" {
	mount_add '{destination: "/made", type: "tmpfs", source: "tmpfs", options: ["nosuid", "size=1m,mode=710", "nr_inodes=9"]},
		{destination: "/made/policy", type: "tmpfs", source: "tmpfs", options: ["mpol=bind:0,0,mode=711"]}'
	config '.root.readonly = false'
	process /bin/init all mounts , stat /made /made/policy
	run_ok
	has 'mount /made: tmpfs rw,nosuid.*size=1024k,nr_inodes=9,mode=710.*' 'stat /made: dir 0710 0 0' 'stat /made/policy: dir 0711 0 0'
}

@test "bind mounts: options that only a file system or fstab(5) has change nothing, other words are refused" {
	mount_add '{destination: "/rw", type: "bind", source: $volume, options: ["bind", "mode=700", "uid=7", "size=64k", "nofail", "_netdev", "x-systemd.automount"]}'
	config '.root.readonly = false'
	checks read /rw/file , write TEXT=changed /rw/new , mounts
	before=$(stat -c '%a %u' "$SCRATCH/volume")
	run_ok
	has 'read /rw/file: 14 bytes, from the host' 'write /rw/new: ok'
	same "$(stat -c '%a %u' "$SCRATCH/volume")" "$before" "mode and owner of the volume"
	config '.mounts[-1].options = ["bind", "RO"]'
	try hv run "$ID"
	refused '"RO" is not an option of bind mounts'
}

@test "bind mounts: read-write, read-only, a file, made mount points, flags" {
	mount_add '{destination: "/rw", type: "bind", source: $volume, options: ["bind"]},
		{destination: "/ro", type: "bind", source: $volume, options: ["rbind", "ro"]},
		{destination: "/deep/er/file", type: "none", source: ($volume + "/file"), options: ["bind", "ro"]},
		{destination: "/flags", type: "bind", source: $volume, options: ["bind", "nosuid", "nodev", "noexec"]}'
	config '.root.readonly = false'
	checks read /rw/file /ro/file /deep/er/file , write TEXT=changed /rw/new /ro/new /deep/er/file , mounts
	run_ok
	has 'read /rw/file: 14 bytes, from the host' 'read /ro/file: 14 bytes, from the host' 'read /deep/er/file: 14 bytes, from the host' \
		'write /rw/new: ok' 'write /ro/new: EROFS' 'write /deep/er/file: EROFS' 'mount /flags: .* rw,nosuid,nodev,noexec.*' \
		'mount /ro: [^ ]+ ro.*'
	same "$(<"$SCRATCH/volume/new")" changed "the file on the host"
	same "$(<"$SCRATCH/volume/file")" "from the host" "the file on the host"
}

@test "what the host writes into a volume afterwards is seen" {
	mount_add '{destination: "/mnt", type: "bind", source: $volume, options: ["bind"]}'
	config '.root.readonly = false'
	process /bin/init pause
	background "$ID"
	echo later >"$SCRATCH/volume/later"
	try hv exec "$ID" /bin/init all read /mnt/later , write /mnt/from-inside
	has 'read /mnt/later: 6 bytes, later' 'write /mnt/from-inside: ok'
	[ -f "$SCRATCH/volume/from-inside" ]
}

@test "a relative source is in the bundle" {
	mkdir data
	echo beside >data/file
	mount_add '{destination: "/data", type: "bind", source: "data", options: ["bind", "ro"]}'
	config '.root.readonly = false'
	checks read /data/file
	run_ok
	has 'read /data/file: 7 bytes, beside'
}

@test "rbind takes what is mounted below, bind does not" {
	mkdir "$SCRATCH/volume/below"
	mount -t tmpfs tmpfs "$SCRATCH/volume/below"
	echo mounted >"$SCRATCH/volume/below/file"
	mount_add '{destination: "/rbind", type: "bind", source: $volume, options: ["rbind"]},
		{destination: "/bind", type: "bind", source: $volume, options: ["bind"]}'
	config '.root.readonly = false'
	checks read /rbind/below/file /bind/below/file
	try hv run "$ID"
	umount "$SCRATCH/volume/below"
	status_is 0
	has 'read /rbind/below/file: 8 bytes, mounted' 'read /bind/below/file: ENOENT'
}

@test "mounts are made in the order of the list" {
	mount_add '{destination: "/mnt", type: "tmpfs", source: "tmpfs", options: ["mode=755"]},
		{destination: "/mnt/volume", type: "bind", source: $volume, options: ["bind"]},
		{destination: "/mnt/volume/file", type: "bind", source: ($scratch + "/other"), options: ["bind"]},
		{destination: "/hidden/volume", type: "bind", source: $volume, options: ["bind"]},
		{destination: "/hidden", type: "tmpfs", source: "tmpfs"}'
	config '.root.readonly = false'
	echo "the other" >"$SCRATCH/other"
	checks list /mnt /hidden , read /mnt/volume/file
	run_ok
	has 'list /mnt: 1 entries' 'entry /mnt: volume' 'list /hidden: 0 entries' 'read /mnt/volume/file: 10 bytes, the other'
}

@test "a device as the source of a bind mount" {
	not_hyperv "a device of the host is none of the machine's"
	mount_add '{destination: "/mnt/null", type: "bind", source: "/dev/null", options: ["bind"]}'
	config '.root.readonly = false'
	checks stat /mnt/null , write /mnt/null
	run_ok
	has 'stat /mnt/null: char .* 1:3' 'write /mnt/null: ok'
}

@test "a symlinked destination stays inside the root file system" {
	mkdir rootfs/target "$SCRATCH/outside"
	ln -s /target rootfs/link
	ln -s "../../../../../../../../$SCRATCH/outside" rootfs/escape
	mount_add '{destination: "/link", type: "bind", source: $volume, options: ["bind"]},
		{destination: "/escape", type: "bind", source: $volume, options: ["bind"]}'
	config '.root.readonly = false'
	checks read /target/file "$SCRATCH/outside/file"
	run_ok
	# as seen from inside, the link leads to a directory of the same name below the root
	has 'read /target/file: 14 bytes, from the host' "read $SCRATCH/outside/file: 14 bytes, from the host"
	[ -z "$(ls "$SCRATCH/outside")" ]
	[ -d "rootfs/$SCRATCH/outside" ]
}

@test "copy-symlink: a source that is a symlink is made again, another one is mounted" {
	ln -s /target/of/nothing "$SCRATCH/link"
	mount_add '{destination: "/made/link", type: "bind", source: ($scratch + "/link"), options: ["bind", "ro", "copy-symlink"]}'
	if [ "$RUNTIME_TYPE" = HyperV ]; then
		try hv create "$ID"
		refused 'mounts\[[0-9]+\].source: /.*/link is a symlink, .*copy-symlink'
		config '.mounts |= .[:-1]'
	fi
	mount_add '{destination: "/dir", type: "bind", source: $volume, options: ["bind", "copy-symlink"]},
		{destination: "/file", type: "bind", source: ($volume + "/file"), options: ["bind", "copy-symlink"]}'
	config '.root.readonly = false'
	checks stat /made/link , read /dir/file /file
	run_ok
	has 'read /dir/file: 14 bytes, from the host' 'read /file: 14 bytes, from the host'
	[ "$RUNTIME_TYPE" = HyperV ] || has 'stat /made/link: link .*-> /target/of/nothing'
}

@test "copy-symlink: the same link may be there already, anything else may not; nothing leads out" {
	not_hyperv "a symlink is nothing that a virtual machine can be given"
	ln -s /target "$SCRATCH/link"
	mkdir "$SCRATCH/outside" rootfs/made
	ln -s "$SCRATCH/outside" rootfs/escape
	ln -s /target rootfs/made/same
	echo other >rootfs/made/other
	mount_add '{destination: "/made/same", source: ($scratch + "/link"), options: ["rbind", "copy-symlink"]},
		{destination: "/escape/new", source: ($scratch + "/link"), options: ["rbind", "copy-symlink"]}'
	config '.root.readonly = false'
	checks stat /made/same "$SCRATCH/outside/new"
	run_ok
	has 'stat /made/same: link .*-> /target' "stat $SCRATCH/outside/new: link .*-> /target"
	[ -z "$(ls "$SCRATCH/outside")" ]
	mount_add '{destination: "/made/other", source: ($scratch + "/link"), options: ["rbind", "copy-symlink"]}'
	try hv create "$ID"
	refused 'mounts\[[0-9]+\] "/made/other".*copy-symlink.*something else'
	same "$(<rootfs/made/other)" other
}

@test "src-nofollow and dest-nofollow: symlinks themselves" {
	mkdir rootfs/target
	echo below >rootfs/target/file
	ln -s target/file rootfs/link
	mount_add '{destination: "/link", type: "bind", source: ($volume + "/file"), options: ["bind", "dest-nofollow"]},
		{destination: "/fresh/file", type: "bind", source: ($volume + "/file"), options: ["bind", "dest-nofollow", "src-nofollow"]},
		{destination: "/fresh/dir", type: "bind", source: $volume, options: ["bind", "dest-nofollow"]}'
	config '.root.readonly = false'
	checks stat /link , read /link /target/file /fresh/file /fresh/dir/file
	run_ok
	has 'stat /link: file .*' 'read /link: 14 bytes, from the host' 'read /target/file: 6 bytes, below' 'read /fresh/file: 14 bytes, from the host' \
		'read /fresh/dir/file: 14 bytes, from the host'
	ln -s /target/file "$SCRATCH/link"
	mount_add '{destination: "/self", type: "bind", source: ($scratch + "/link"), options: ["bind", "src-nofollow"]}'
	if [ "$RUNTIME_TYPE" = HyperV ]; then
		try hv create "$ID"
		refused 'mounts\[[0-9]+\].source: /.* is a symlink, .*src-nofollow'
		return
	fi
	checks stat /self , read /self
	run_ok
	has 'stat /self: link .*-> /target/file' 'read /self: 6 bytes, below'
}

@test "crun's recursive forms: those that are attributes hold below, the others are accepted" {
	mkdir "$SCRATCH/volume/below"
	mount -t tmpfs tmpfs "$SCRATCH/volume/below"
	mount_add '{destination: "/mnt", type: "bind", source: $volume,
		options: ["rbind", "rro", "rnosuid", "rnodev", "rnoexec", "rnoatime", "rsync", "rasync", "rdirsync", "rmand", "rnomand"]}'
	config '.root.readonly = false'
	checks write /mnt/new /mnt/below/new
	try hv run "$ID"
	umount "$SCRATCH/volume/below"
	status_is 0
	has 'write /mnt/new: EROFS' 'write /mnt/below/new: EROFS'
}

@test "a missing source is refused by name" {
	mount_add '{destination: "/mnt", type: "bind", source: ($scratch + "/nothing"), options: ["bind"]}'
	config '.root.readonly = false'
	before=$(snapshot)
	try hv run "$ID"
	status_is 1
	output_is ""
	errors_have "$SCRATCH/nothing.*no such file or directory"
	machine_unchanged "$before"
}

# docker tells its users what to look at when it reads "not a directory"
@test "a file over a directory, and a directory over a file, are refused in the words that engines look for" {
	echo text >"$SCRATCH/file"
	config '.mounts += [{"destination": "/etc", "type": "bind", "source": ($s + "/file"), "options": ["bind"]}]' --arg s "$SCRATCH"
	try hv run "$ID"
	refused "/etc" "not a directory"
	config '.mounts[-1] = {"destination": "/etc/passwd", "type": "bind", "source": $s, "options": ["bind"]}' --arg s "$SCRATCH"
	try hv run "$ID"
	refused "/etc/passwd" "not a directory"
	config '.mounts[-1] = {"destination": "/etc/passwd", "type": "tmpfs", "source": "tmpfs"}'
	try hv run "$ID"
	refused "/etc/passwd" "not a directory"
}

@test "an unknown file system type is refused" {
	mount_add '{destination: "/mnt", type: "nosuchfs", source: "none"}'
	config '.root.readonly = false'
	before=$(snapshot)
	try hv run "$ID"
	status_is 1
	errors_have "nosuchfs|/mnt.*no such device"
	machine_unchanged "$before"
}

@test "propagation: private to the host, and as asked for" {
	mount_add '{destination: "/shared", type: "tmpfs", source: "tmpfs", options: ["shared"]},
		{destination: "/slave", type: "tmpfs", source: "tmpfs", options: ["rslave"]},
		{destination: "/mnt", type: "bind", source: $volume, options: ["bind"]}'
	config '.root.readonly = false | .process.capabilities = {"bounding": ["CAP_SYS_ADMIN"], "effective": ["CAP_SYS_ADMIN"], "permitted": ["CAP_SYS_ADMIN"]}'
	checks mounts , seccomp-test mount
	run_ok
	has 'mount /shared: tmpfs .*shared:[0-9]+.*' 'call mount: ok'
	not grep -q "$SCRATCH" /proc/self/mountinfo
}

@test "flags without a bind of their own: sync, noatime, recursive read-only" {
	mount_add '{destination: "/mnt", type: "tmpfs", source: "tmpfs", options: ["noatime", "nodiratime", "nosuid", "sync"]}'
	config '.root.readonly = false'
	checks mounts
	run_ok
	has 'mount /mnt: tmpfs .*noatime.*'
	only_hvrun
	mkdir "$SCRATCH/volume/below"
	mount -t tmpfs tmpfs "$SCRATCH/volume/below"
	mount_add '{destination: "/rro", type: "bind", source: $volume, options: ["rbind", "rro"]}'
	checks write /rro/x /rro/below/x
	try hv run "$ID"
	umount "$SCRATCH/volume/below"
	status_is 0
	has 'write /rro/x: EROFS' 'write /rro/below/x: EROFS'
}

@test "an overlay mount: directories of the host, with and without one for what is written" {
	mkdir "$SCRATCH/upper" "$SCRATCH/work"
	mount_add '{destination: "/layered", type: "overlay", source: "overlay", options: ["nosuid", "lowerdir=\($volume)", "upperdir=\($scratch)/upper", "workdir=\($scratch)/work"]},
		{destination: "/image", type: "overlay", source: "overlay", options: ["lowerdir=\($volume):\($scratch)/bundle/rootfs/etc"]}'
	config '.root.readonly = false'
	checks read /layered/file /image/file /image/passwd , write TEXT=above /layered/new /layered/file /image/file , mounts
	run_ok
	has 'read /layered/file: 14 bytes, from the host' 'read /image/file: 14 bytes, from the host' 'read /image/passwd: .*' 'write /layered/new: ok' \
		'write /layered/file: ok' 'write /image/file: EROFS' 'mount /layered: [^ ]+ rw,nosuid.*'
	same "$(<"$SCRATCH/upper/new") $(<"$SCRATCH/upper/file")" "above abovethe host" "what was written"
	same "$(ls "$SCRATCH/volume") $(<"$SCRATCH/volume/file")" "file from the host" "the directory below"
	not grep -q "$SCRATCH/upper" /proc/self/mountinfo
	config '.mounts[-1].options = ["lowerdir=\($scratch)/nothing:\($scratch)/volume"]' --arg scratch "$SCRATCH"
	try hv create "$ID"
	refused 'mounts\[.* "/image": .*: No such file or directory' # since Linux 6.5 it says which
}

@test "/sys/fs/cgroup shows the container's own group, read-only" {
	config '.linux.namespaces = (.linux.namespaces + [{"type": "cgroup"}] | unique)
		| .mounts += [{destination: "/sys/fs/cgroup", type: "cgroup", source: "cgroup", options: ["nosuid", "noexec", "nodev", "relatime", "ro"]}]
		| .mounts |= unique_by(.destination) | .mounts |= sort_by(.destination)'
	checks cgroup , cgroup-path , readonly /sys/fs/cgroup
	run_ok
	has 'pids.limit: .*' 'memory.limit: .*' 'create /sys/fs/cgroup: (EROFS|EACCES|EPERM)'
	lacks "cgroup: .*$TAG"
}
