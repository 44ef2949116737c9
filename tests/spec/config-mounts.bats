# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck disable=SC2015,SC2016,SC2034,SC2153,SC2154 # jq programs, and names that the libraries set and use
# runtime-spec 1.3.0 config.md, "Mounts". The option strings' tests look at the mount table inside, for each option and for
# what takes it back.

load spec

setup_test()
{
	config '.root.readonly = false'
	mkdir "$SCRATCH/volume"
	echo volume >"$SCRATCH/volume/file"
}

mount_add()
{
	config ".mounts += [$1]" --arg volume "$SCRATCH/volume"
}

# A tmpfs at /mnt/OPTIONS for each argument, options separated by commas; then the mount table is in $output.
tmpfs_with()
{
	config '.mounts += [$ARGS.positional[] | {"destination": ("/mnt/" + .), "type": "tmpfs", "source": "tmpfs", "options": split(",")}]' \
		--args -- "$@"
	checks mounts
	run_ok
}

# The flags of a mount and of its file system, separated by blanks: "mount_is DESTINATION REGEX"
mount_is()
{
	local line
	line=$(grep -E "^mount $1: " <<<"$output") || fail "no mount at $1" || return 1
	grep -qE -- "$2" <<<"${line#mount "$1": }" || fail "\"$line\" has no \"$2\""
}

mount_is_not()
{
	! mount_is "$1" "$2" 2>/dev/null || fail "$1 has \"$2\""
}

@test "config.md#mounts: in the order of the list" {
	mount_add '{"destination": "/mnt", "type": "tmpfs", "source": "tmpfs"},
		{"destination": "/mnt/volume", "type": "bind", "source": $volume, "options": ["bind"]},
		{"destination": "/over/volume", "type": "bind", "source": $volume, "options": ["bind"]},
		{"destination": "/over", "type": "tmpfs", "source": "tmpfs"}'
	checks read /mnt/volume/file , list /over
	run_ok
	has 'read /mnt/volume/file: 7 bytes, volume' 'list /over: 0 entries'
}

@test "config.md#mounts: destination is required" {
	mount_add '{"type": "tmpfs", "source": "tmpfs"}'
	invalid 'mounts\[[0-9]+\]: missing "destination"'
}

@test "config.md#mounts: a relative destination starts at /" {
	mount_add '{"destination": "relative/dir", "type": "tmpfs", "source": "tmpfs"}'
	config '.process.cwd = "/tmp"'
	checks mounts
	run_ok
	has 'mount /relative/dir: tmpfs .*'
}

@test "config.md#linux-mount-options: ro and rw" {
	tmpfs_with ro rw ro,rw rw,ro
	mount_is /mnt/ro '^tmpfs ro'
	mount_is /mnt/rw '^tmpfs rw'
	mount_is /mnt/ro,rw '^tmpfs rw'
	mount_is /mnt/rw,ro '^tmpfs ro'
}

@test "config.md#linux-mount-options: suid and nosuid, dev and nodev, exec and noexec" {
	tmpfs_with nosuid nodev noexec nosuid,suid nodev,dev noexec,exec
	for flag in suid dev exec; do
		mount_is "/mnt/no$flag" "[ ,]?no$flag[ ,]"
		mount_is_not "/mnt/no$flag,$flag" "no$flag"
	done
}

@test "config.md#linux-mount-options: atime and noatime, relatime and norelatime, strictatime and nostrictatime" {
	tmpfs_with atime noatime noatime,atime relatime norelatime strictatime strictatime,nostrictatime strictatime,relatime
	for relative in atime noatime,atime relatime norelatime strictatime,nostrictatime strictatime,relatime; do
		mount_is "/mnt/$relative" '[ ,]relatime[ ,]'
	done
	mount_is /mnt/noatime '[ ,]noatime[ ,]'
	mount_is_not /mnt/strictatime '(no|rel)atime'
}

@test "config.md#linux-mount-options: diratime and nodiratime" {
	tmpfs_with nodiratime nodiratime,diratime
	mount_is /mnt/nodiratime '[ ,]nodiratime[ ,]'
	mount_is_not /mnt/nodiratime,diratime nodiratime
}

@test "config.md#linux-mount-options: sync and async, dirsync" {
	tmpfs_with sync async dirsync
	mount_is /mnt/sync '[ ,]sync([ ,]|$)'
	mount_is_not /mnt/async '[ ,]sync([ ,]|$)'
	mount_is /mnt/dirsync '[ ,]dirsync([ ,]|$)'
}

@test "config.md#linux-mount-options: lazytime and nolazytime" {
	tmpfs_with lazytime nolazytime
	mount_is /mnt/lazytime '[ ,]lazytime([ ,]|$)'
	mount_is_not /mnt/nolazytime lazytime
}

@test "config.md#linux-mount-options: iversion and noiversion, loud and silent, defaults" {
	# what they change is not in the mount table: they are understood, and not handed to the file system, which has no such options
	tmpfs_with iversion noiversion loud silent defaults
	for name in iversion noiversion loud silent defaults; do
		mount_is "/mnt/$name" '^tmpfs rw,relatime '
	done
}

@test "config.md#linux-mount-options: bind and rbind" {
	mkdir "$SCRATCH/volume/below"
	mount -t tmpfs tmpfs "$SCRATCH/volume/below"
	echo below >"$SCRATCH/volume/below/file"
	mount_add '{"destination": "/bind", "source": $volume, "options": ["bind"]}, {"destination": "/rbind", "source": $volume, "options": ["rbind"]}'
	checks read /bind/file /rbind/file /bind/below/file /rbind/below/file
	try hv run "$ID"
	umount "$SCRATCH/volume/below"
	status_is 0
	has 'read /bind/file: 7 bytes, volume' 'read /rbind/file: 7 bytes, volume' 'read /bind/below/file: ENOENT' 'read /rbind/below/file: 6 bytes, below'
}

@test "config.md#linux-mount-options: remount" {
	mount_add '{"destination": "/mnt", "type": "tmpfs", "source": "tmpfs", "options": ["size=64k"]},
		{"destination": "/mnt", "type": "tmpfs", "source": "tmpfs", "options": ["remount", "ro", "nosuid"]}'
	checks mounts , write /mnt/x
	run_ok
	has 'write /mnt/x: EROFS'
	same "$(grep -c '^mount /mnt:' <<<"$output")" 1 "mounts at /mnt"
	mount_is /mnt '^tmpfs ro,nosuid'
}

@test "config.md#linux-mount-options: private and rprivate" {
	tmpfs_with shared,private shared,rprivate
	mount_is /mnt/shared,private ' private$'
	mount_is /mnt/shared,rprivate ' private$'
}

@test "config.md#linux-mount-options: shared and rshared" {
	tmpfs_with shared rshared
	mount_is /mnt/shared ' shared:[0-9]+'
	mount_is /mnt/rshared ' shared:[0-9]+'
}

@test "config.md#linux-mount-options: slave and rslave" {
	not_hyperv "a peer group of the host has no member in another kernel"
	# the source has to be shared for a mount to be its slave
	mount -t tmpfs tmpfs "$SCRATCH/volume"
	mount --make-shared "$SCRATCH/volume"
	mount_add '{"destination": "/slave", "source": $volume, "options": ["bind", "slave"]}, {"destination": "/rslave", "source": $volume, "options": ["rbind", "rslave"]}'
	config '.linux.rootfsPropagation = "slave"'
	checks mounts
	try hv run "$ID"
	umount "$SCRATCH/volume"
	status_is 0
	mount_is /slave ' master:[0-9]+'
	mount_is /rslave ' master:[0-9]+'
}

@test "config.md#linux-mount-options: unbindable and runbindable" {
	tmpfs_with unbindable runbindable
	mount_is /mnt/unbindable ' unbindable'
	mount_is /mnt/runbindable ' unbindable'
}

# A volume whose files are 1000's, and a process of 2000 that sees them as its own when the mount is id-mapped.
idmapped()
{
	chown 1000:1000 "$SCRATCH/volume/file"
	mount_add '{"destination": "/mnt", "type": "bind", "source": $volume, "options": ["rbind", "'"$1"'"],
		"uidMappings": [{"containerID": 1000, "hostID": 2000, "size": 1}], "gidMappings": [{"containerID": 1000, "hostID": 3000, "size": 1}]}'
	checks stat /mnt/file
	run_ok
	has 'stat /mnt/file: file 0644 2000 3000'
}

@test "config.md#linux-mount-options: idmap applies the mount's mappings" {
	idmapped idmap
}

@test "config.md#linux-mount-options: ridmap applies the mount's mappings" {
	idmapped ridmap
}

@test "config.md#linux-mount-options: idmap without mappings and user namespace is an error" {
	mount_add '{"destination": "/mnt", "type": "bind", "source": $volume, "options": ["rbind", "idmap"]}'
	invalid 'idmap|uidMappings'
}

@test "config.md#linux-mount-options: ridmap without mappings and user namespace is an error" {
	mount_add '{"destination": "/mnt", "type": "bind", "source": $volume, "options": ["rbind", "ridmap"]}'
	invalid 'idmap|uidMappings'
}

@test "config.md#posix-platform-mounts: uidMappings come with gidMappings" {
	mount_add '{"destination": "/mnt", "type": "bind", "source": $volume, "options": ["bind", "idmap"], "uidMappings": [{"containerID": 0, "hostID": 1000, "size": 1}]}'
	invalid 'mounts\[[0-9]+\].*gidMappings'
}

@test "config.md#posix-platform-mounts: gidMappings come with uidMappings" {
	mount_add '{"destination": "/mnt", "type": "bind", "source": $volume, "options": ["bind", "idmap"], "gidMappings": [{"containerID": 0, "hostID": 1000, "size": 1}]}'
	invalid 'mounts\[[0-9]+\].*uidMappings'
}
