# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# shellcheck disable=SC2015,SC2016,SC2034,SC2153,SC2154 # jq programs, and names that lib.bash sets or reads
# Containers in a container: overlayfs mounted inside, whose upper directory is on a file system that can be one, and hvrun itself, which runs a bundle there.

load lib

# Privileged, as an engine's --privileged makes it: all capabilities, devices, nothing masked, a cgroup tree that can be written.
setup_test()
{
	only_hvrun || return
	jq -n --arg dir "$SCRATCH/layers" '{sandbox: {dir: $dir}}' >"$SCRATCH/hvrun.json"
	HV=("${PLAIN[@]}" --config-file "$SCRATCH/hvrun.json" --runtime-type "$RUNTIME_TYPE")
	config '.root.readonly = false | .process.capabilities |= map_values($all) | .linux.maskedPaths = [] | .linux.readonlyPaths = []
		| .linux.resources.devices = [{allow: true, access: "rwm"}] | del(.linux.seccomp) | .process.noNewPrivileges = false' --argjson all "$(all_capabilities)"
}

all_capabilities()
{
	hv features | jq -c '.linux.capabilities'
}

# /mnt is a file system of its own: "on tmpfs", "on disk", "on layer"
on()
{
	case $1 in
	tmpfs) config '.mounts += [{destination: "/mnt", type: "tmpfs", source: "tmpfs", options: ["size=64m"]}]' ;;
	disk)
		truncate -s 64M "$SCRATCH/disk.img"
		mke2fs -q -F -t ext4 "$SCRATCH/disk.img"
		config '.mounts += [{destination: "/mnt", type: "ext4", source: $file}]' --arg file "$SCRATCH/disk.img"
		;;
	layer)
		config '.annotations["io.hvrun.sandbox"] = "overlay"'
		mkdir -p "$BUNDLE/rootfs/mnt"
		;;
	esac
}

# What an engine's storage driver does with layers, in a shell
layers()
{
	cat <<-'EOF'
	set -e
	b=/bin/busybox
	cd /mnt
	mkdir -p lower/dir lower/opaque upper work merged
	echo one >lower/kept
	echo two >lower/gone
	echo three >lower/dir/file
	echo four >lower/opaque/hidden
	$b mount -t overlay -o lowerdir=/mnt/lower,upperdir=/mnt/upper,workdir=/mnt/work overlay /mnt/merged
	$b rm merged/gone
	echo more >>merged/kept
	$b rm -r merged/opaque
	mkdir merged/opaque
	echo new >merged/opaque/new
	$b mv merged/dir/file merged/dir/moved
	echo "below: $(cat lower/kept lower/gone | $b tr '\n' ' ')"
	echo "merged: $(cd merged && $b find . | $b sort | $b tr '\n' ' ')"
	echo "whiteout: $($b stat -c '%F %t,%T' upper/gone)"
	$b umount merged
	# and again: what is above is still what it was
	$b mount -t overlay -o lowerdir=/mnt/upper:/mnt/lower overlay /mnt/merged
	echo "again: $(cd merged && $b find . | $b sort | $b tr '\n' ' ')"
	echo "kept: $(cat merged/kept | $b tr '\n' ' ')"
	$b umount merged
	EOF
}

check_layers()
{
	process /bin/sh -c "$(layers)"
	run_ok
	has 'below: one two ' 'merged: \. \./dir \./dir/moved \./kept \./opaque \./opaque/new ' 'whiteout: character special file 0,0' \
		'again: \. \./dir \./dir/moved \./kept \./opaque \./opaque/new ' 'kept: one more '
}

@test "overlayfs inside, its upper directory on a tmpfs" {
	on tmpfs
	check_layers
}

@test "overlayfs inside, its upper directory on a disk" {
	only_hyperv "mounting a file needs a loop device, which whoever writes the configuration makes"
	on disk
	check_layers
	# as attributes that every overlay would find again
	debugfs -R 'ea_get /upper/opaque trusted.overlay.opaque' "$SCRATCH/disk.img" | grep -q '= "y"'
	debugfs -R 'stat /upper/gone' "$SCRATCH/disk.img" | grep -q 'Type: character special'
}

# A bundle at /mnt/bundle, run there by the hvrun under test: its standard output is the container's. The processes that are there make room for the
# controllers of the groups below theirs, as every engine in a container does, by PREPARE. "nested PREPARE PROGRAM [ARG...]"
nested()
{
	local prepare=$1
	shift
	mkdir -p "$BUNDLE/rootfs/inner"
	cp "$HVRUN" "$BUNDLE/rootfs/bin/hvrun"
	# a sanitizer's build has libraries; a static one has none
	ldd "$HVRUN" 2>/dev/null | grep -o '/[^ ]*' | xargs -r cp -L --parents -t "$BUNDLE/rootfs"
	make_bundle "$SCRATCH/inner"
	config_of "$SCRATCH/inner" '.root.readonly = false | .hostname = "inner" | .process.args = $ARGS.positional | .linux.resources.pids = {limit: 17}' --args -- "$@"
	cp "$SCRATCH/inner/config.json" "$BUNDLE/rootfs/inner/"
	config '(.mounts[] | select(.destination == "/sys/fs/cgroup")).options -= ["ro"] | .process.env += ["PATH=/bin"] | .hostname = "outer"'
	process /bin/sh -c "$prepare"' && cd /mnt && mkdir -p bundle/rootfs && /bin/busybox cp /inner/config.json bundle && cd bundle/rootfs &&
		mkdir bin dev etc proc root run sys tmp var && /bin/busybox cp -a /bin/. bin && /bin/busybox rm bin/hvrun && cd .. &&
		hvrun --root /mnt/run run inner; status=$?; hvrun --root /mnt/run list -q; /bin/busybox ls /sys/fs/cgroup | /bin/busybox grep -x inner
		exit $status'
}

MAKE_ROOM='mkdir /sys/fs/cgroup/init && echo 0 >/sys/fs/cgroup/init/cgroup.procs'

check_nested()
{
	nested "$MAKE_ROOM" /bin/sh -c 'echo "process $$ on $(/bin/busybox hostname)"; cat /sys/fs/cgroup/pids.max; echo written >/tmp/file; exit 7'
	try hv run "$ID"
	status_is 7
	output_is "process 1 on inner
17"
	no_errors
}

@test "hvrun in the container runs a container: its root file system on a tmpfs" {
	only_hyperv "on hosts with cgroup v1 the groups inside are the host's"
	on tmpfs
	check_nested
}

@test "hvrun in the container runs a container: on a disk" {
	only_hyperv "on hosts with cgroup v1 the groups inside are the host's"
	on disk
	check_nested
}

@test "hvrun in the container runs a container: on the container's layer" {
	only_hyperv "on hosts with cgroup v1 the groups inside are the host's"
	on layer
	check_nested
}

@test "hvrun in the container, whose processes are where groups have controllers: it says what is in the way" {
	only_hyperv "on hosts with cgroup v1 the groups inside are the host's"
	on tmpfs
	nested true /bin/true
	config_of "$SCRATCH/inner" 'del(.linux.resources.pids)'
	cp "$SCRATCH/inner/config.json" "$BUNDLE/rootfs/inner/"
	try hv run "$ID"
	status_is 1
	output_is ""
	errors_have 'processes of its own and controllers for the groups below'
}
