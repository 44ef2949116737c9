# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck disable=SC2015,SC2016,SC2153,SC2154 # jq programs, and names that lib.bash sets
# Disks: hvrun(8), "Disks". A block device is a loop device here.

load lib
load disks

setup_test()
{
	jq -n --arg dir "$SCRATCH/layers" '{sandbox: {dir: $dir}}' >"$SCRATCH/hvrun.json"
	HV=("${PLAIN[@]}" --config-file "$SCRATCH/hvrun.json" --runtime-type "$RUNTIME_TYPE")
	config '.root.readonly = false'
}

mount_add()
{
	config '.mounts += [{destination: "/mnt", type: $type, source: $source, options: $ARGS.positional}]' --arg type "$1" --arg source "$2" \
		--args -- "${@:3}"
}

# The container may use the block device: "allow ACCESS"
allow()
{
	config '.linux.resources.devices += [{allow: true, type: "b", major: ($major | tonumber), minor: ($minor | tonumber), access: $access}]' \
		--arg major "${NUMBERS% *}" --arg minor "${NUMBERS#* }" --arg access "$1"
}

# Reads, and writes what the host then looks for in the image: "check_mount_of ID"
check_mount_of()
{
	checks read /mnt/file , write TEXT=fromcontainer /mnt/new
	try hv run "$1"
	status_is 0
	has 'read /mnt/file: 7 bytes, inside' 'write /mnt/new: ok'
	debugfs -R 'cat /new' "$SCRATCH/data.img" 2>/dev/null | grep -q fromcontainer
}

check_mount()
{
	check_mount_of "$ID"
}

@test "a file system on a block device" {
	data_image
	loop
	allow rw
	mount_add ext4 "$LOOP"
	check_mount
}

@test "a file system on a block device, read-only" {
	data_image
	loop -r
	allow r
	mount_add ext4 "$LOOP" ro
	checks read /mnt/file , write /mnt/new
	run_ok
	has 'read /mnt/file: 7 bytes, inside' 'write /mnt/new: EROFS'
}

@test "what the host has mounted is not mounted by a machine, too, unless it can only read it" {
	only_hyperv "it is one kernel that has it mounted twice"
	data_image
	loop
	allow rw
	mkdir "$SCRATCH/mounted"
	mount "$LOOP" "$SCRATCH/mounted"
	mount_add ext4 "$LOOP"
	try hv run "$ID"
	refused "mounts\[[0-9]+\].source: $LOOP is in use on the host"
	config '.mounts[-1].options = ["ro"]'
	checks read /mnt/file , write /mnt/new
	run_ok
	has 'read /mnt/file: 7 bytes, inside' 'write /mnt/new: EROFS'
	umount "$SCRATCH/mounted"
	config '.mounts[-1].options = []'
	check_mount
}

@test "raw, said or not, is what a block device is; a format needs a virtual machine" {
	data_image
	loop
	allow rw
	mount_add ext4 "$LOOP" x-hvrun.format=raw
	check_mount
	config '.mounts[-1].options = ["x-hvrun.format=qcow2"]'
	try hv run "$ID"
	is_hyperv && refused "mounts\[[0-9]+\].source: $LOOP is not an image of format qcow2" ||
		refused 'mounts\[[0-9]+\].*"x-hvrun.format=qcow2": only runtime type HyperV has disks of a format'
}

@test "a file system in a file" {
	only_hyperv "mounting a file needs a loop device, which whoever writes the configuration makes"
	data_image
	mount_add ext4 "$SCRATCH/data.img"
	check_mount
}

@test "an image that can be written is one container's at a time; of one that cannot be there are as many users as like" {
	only_hyperv "mounting a file needs a loop device, which whoever writes the configuration makes"
	data_image
	mount_add ext4 "$SCRATCH/data.img"
	process /bin/init pause
	background "$ID"
	try hv run "$ID-2"
	refused "mounts\[[0-9]+\].source: $SCRATCH/data.img is in use: another process has it as a disk"
	is_state "$ID" running
	try hv exec "$ID" cat /mnt/file
	output_is inside
	hv delete -f "$ID"
	config '.mounts[-1].options = ["ro"]'
	background "$ID"
	background "$ID-2"
	for id in "$ID" "$ID-2"; do
		try hv exec "$id" cat /mnt/file
		output_is inside
		hv delete -f "$id"
	done
}

# The flags of the VMM's descriptors of the image, their last digits: 0 is for reading alone (open(2)).
access_modes()
{
	local fd pid
	pid=$(pgrep -P "$(container_pid "$ID")")
	for fd in "/proc/$pid/fd"/*; do
		[ "$(stat -L -c %d:%i "$fd" 2>/dev/null)" != "$(stat -c %d:%i "$1")" ] || sed -n 's/^flags:.*\(.\)$/\1/p' "/proc/$pid/fdinfo/${fd##*/}"
	done | sort -u
}

@test "what is read-only is so on the host: the machine's descriptor cannot write" {
	only_hyperv "there is no machine"
	data_image
	local before
	before=$(sha256sum "$SCRATCH/data.img")
	mount_add ext4 "$SCRATCH/data.img" ro
	process /bin/init pause
	background "$ID"
	same "$(access_modes "$SCRATCH/data.img")" 0 "access mode"
	hv delete -f "$ID"
	same "$(sha256sum "$SCRATCH/data.img")" "$before" "the image"
}

@test "a qcow2, which is one because the configuration says so" {
	only_hyperv "no kernel mounts one"
	data_image
	to_qcow2 "$SCRATCH/data.img" "$SCRATCH/data.qcow2"
	mount_add ext4 "$SCRATCH/data.qcow2" x-hvrun.format=qcow2
	checks read /mnt/file , write TEXT=fromcontainer /mnt/new
	run_ok
	has 'read /mnt/file: 7 bytes, inside' 'write /mnt/new: ok'
	config '.mounts[-1].options += ["ro"]'
	checks read /mnt/new , write /mnt/file
	run_ok
	has 'read /mnt/new: 13 bytes, fromcontainer' 'write /mnt/file: EROFS'
	config '.mounts[-1].options = []'
	try hv run "$ID"
	refused 'mounts\[[0-9]+\] "/mnt": ext4: Invalid argument'
	config '.mounts[-1].options = ["x-hvrun.format=vmdk"]'
	try hv run "$ID"
	refused 'x-hvrun.format=vmdk": "vmdk" is not a format of disks \(raw, qcow2\)'
}

device_add()
{
	allow "$1"
	config '.linux.devices += [{path: "/dev/data", type: "b", major: ($major | tonumber), minor: ($minor | tonumber)}]' \
		--arg major "${NUMBERS% *}" --arg minor "${NUMBERS#* }"
}

read_superblock='/bin/busybox dd if=/dev/data bs=1 skip=1080 count=2 2>/dev/null | /bin/busybox od -An -tx2'

@test "linux.devices: a block device" {
	data_image
	loop
	device_add rwm
	process /bin/sh -c "$read_superblock; echo written | /bin/busybox dd of=/dev/data conv=notrunc,fsync 2>/dev/null; echo \$?"
	run_ok
	has ' ef53' 0
	eventually sh -c 'head -c 7 "$1" | grep -q written' - "$SCRATCH/data.img"
}

@test "linux.devices: a block device that may only be read" {
	data_image
	loop
	device_add r
	process /bin/sh -c "$read_superblock; echo written | /bin/busybox dd of=/dev/data conv=notrunc 2>/dev/null; echo \$?"
	run_ok
	has ' ef53' 1
	not grep -q written "$SCRATCH/data.img"
}

@test "a bind mount of a block device" {
	data_image
	loop
	allow rw
	config '.mounts += [{destination: "/dev/data", type: "bind", source: $loop, options: ["bind"]}]' --arg loop "$LOOP"
	process /bin/sh -c "$read_superblock"
	run_ok
	has ' ef53'
}

@test "what a container writes to a disk does not become its format" {
	data_image
	loop
	device_add rwm
	process /bin/sh -c 'printf "QFI\373\0\0\0\3\0\0\0\0\0\0\0\160\0\0\0\13\0\0\0\20" | /bin/busybox dd of=/dev/data conv=notrunc,fsync 2>/dev/null; echo $?'
	run_ok
	has 0
	process /bin/sh -c '/bin/busybox dd if=/dev/data bs=4 count=1 2>/dev/null | /bin/busybox od -An -tx1'
	run_ok
	has ' 51 46 49 fb'
}

@test "the root file system is an image" {
	only_hyperv "an image needs a virtual machine"
	image "$SCRATCH/root.img" 64M rootfs
	config '.root.path = $image | .annotations = {"io.hvrun.rootfs.type": "ext4"}' --arg image "$SCRATCH/root.img"
	checks read /etc/group , write TEXT=fromcontainer /new
	run_ok
	has 'write /new: ok'
	debugfs -R 'cat /new' "$SCRATCH/root.img" 2>/dev/null | grep -q fromcontainer
	config '.annotations["io.hvrun.sandbox"] = "overlay"'
	local before
	before=$(sha256sum "$SCRATCH/root.img")
	checks write /again , read /new
	run_ok
	has 'write /again: ok' 'read /new: 13 bytes, fromcontainer'
	config '.root.readonly = true | del(.annotations["io.hvrun.sandbox"])'
	checks write /again
	run_ok
	has 'write /again: EROFS'
	same "$(sha256sum "$SCRATCH/root.img")" "$before" "the image"
}

@test "an image as the root file system is not for type Default" {
	not_hyperv "there it works"
	only_hvrun
	truncate -s 16M "$SCRATCH/root.img"
	config '.root.path = $image | .annotations = {"io.hvrun.rootfs.type": "ext4"}' --arg image "$SCRATCH/root.img"
	try hv run "$ID"
	refused "root.path .*/root.img\": an image .* needs runtime type HyperV"
}

# The header of a qcow2, version 3, of 1 MiB: "qcow2 FILE BACKING-OFFSET FEATURES" (numbers in two hexadecimal digits)
qcow2()
{
	local zeros
	zeros=$(printf '\\x00%.0s' {1..7})
	printf "QFI\\xfb\\x00\\x00\\x00\\x03$zeros\\x$2" >"$1"
	truncate -s 72 "$1"
	printf "$zeros\\x$3" >>"$1"
	truncate -s 1M "$1"
}

@test "what is no disk is refused, and nothing is left" {
	only_hyperv "the host's kernel says what it thinks of it"
	mount_add ext4 "$SCRATCH/missing.img"
	try hv run "$ID"
	refused 'mounts\[[0-9]+\].source: .*/missing.img: No such file'
	config '.mounts[-1].source = $s' --arg s "$SCRATCH"
	try hv run "$ID"
	refused 'mounts\[[0-9]+\].source: .* (neither an image file nor a block device|Is a directory)'
	mkfifo "$SCRATCH/fifo"
	config '.mounts[-1].source = $s' --arg s "$SCRATCH/fifo"
	try hv run "$ID"
	refused 'fifo is neither an image file nor a block device'
	echo short >"$SCRATCH/short"
	config '.mounts[-1].source = $s' --arg s "$SCRATCH/short"
	try hv run "$ID"
	refused 'short has 6 bytes, which is no disk'
	truncate -s 1M "$SCRATCH/zeros"
	config '.mounts[-1].source = $s' --arg s "$SCRATCH/zeros"
	try hv run "$ID"
	refused 'mounts\[[0-9]+\] "/mnt": ext4: Invalid argument'
	config 'del(.mounts[-1]) | .annotations = {"io.hvrun.rootfs.type": "ext4", "io.hvrun.rootfs.format": "qcow2"} | .root.path = $s' \
		--arg s "$SCRATCH/zeros"
	try hv run "$ID"
	refused 'root.path: .*/zeros is not an image of format qcow2'
	qcow2 "$SCRATCH/backing" 70 00
	config '.root.path = $s' --arg s "$SCRATCH/backing"
	try hv run "$ID"
	refused 'backing names a backing file, which is not allowed'
	qcow2 "$SCRATCH/external" 00 04
	config '.root.path = $s' --arg s "$SCRATCH/external"
	try hv run "$ID"
	refused 'external names an external data file, which is not allowed'
	config '.annotations["io.hvrun.rootfs.format"] = "raw" | .root.path = $s' --arg s "$SCRATCH/link"
	ln -s zeros "$SCRATCH/link"
	try hv run "$ID"
	refused 'root.path: .*/link is no image'
	[ -z "$(ls -A "$ROOT")" ]
}

@test "more disks than a machine has places for" {
	only_hyperv "the host has as many as it likes"
	config '.mounts += [range(21) | {destination: "/mnt\(.)", type: "ext4", source: "/nothing\(.)"}]'
	try hv run "$ID"
	refused 'mounts\[[0-9]+\].source: 21 disks, at most 20 are possible'
}

@test "twenty disks" {
	only_hyperv "mounting a file needs a loop device, which whoever writes the configuration makes"
	local i
	data_image
	for i in {0..19}; do
		cp "$SCRATCH/data.img" "$SCRATCH/$i.img"
		mkdir "rootfs/mnt$i"
	done
	config '.mounts += [range(20) | {destination: "/mnt\(.)", type: "ext4", source: "\($dir)/\(.).img"}]' --arg dir "$SCRATCH"
	process /bin/sh -c 'for i in /mnt*; do echo ${i#/mnt} >$i/file; done; cat /mnt*/file | wc -l'
	run_ok
	output_is 20
	for i in {0..19}; do
		same "$(debugfs -R 'cat /file' "$SCRATCH/$i.img" 2>/dev/null)" "$i"
	done
}

# As an engine's --privileged names them: all may be used, by one rule.
privileged()
{
	config '.linux.resources.devices = [{allow: true, access: "rwm"}] | .linux.devices = ($ARGS.positional | map(split(" ") | {path: ("/dev/" + .[0]), type: "b",
		major: (.[1] | tonumber), minor: (.[2] | tonumber)}))' --args -- "$@"
}

# What stat(1) says of a block device's numbers, behind a name of its own.
numbered()
{
	echo "$1 $(stat -c '%Hr %Lr' "$2")"
}

LOOPS=()
more_loops()
{
	local file
	for file; do
		LOOPS+=("$(losetup -f --show "$file")")
	done
}

eval "disks_$(declare -f teardown)"
teardown()
{
	local loop
	! mountpoint -q "$SCRATCH/mounted" || umount "$SCRATCH/mounted"
	disks_teardown || LEFT=1
	for loop in "${LOOPS[@]}"; do
		losetup -d "$loop"
	done
	[ -z "${LEFT-}" ]
}

@test "a privileged container: of the host's block devices those that hold something, and what is in use can be read" {
	only_hyperv "they are the host's own"
	data_image
	cp "$SCRATCH/data.img" "$SCRATCH/free.img"
	loop
	more_loops "$SCRATCH/free.img"
	mkdir "$SCRATCH/mounted"
	mount "$LOOP" "$SCRATCH/mounted"
	LOOPS+=("$(losetup -f --show -r "$SCRATCH/free.img")")
	# one without a file, one that there is none of, and one of no driver's
	privileged "$(numbered used "$LOOP")" "empty 7 1048575" "none 4095 0" "$(numbered free "${LOOPS[0]}")" "$(numbered readonly "${LOOPS[1]}")"
	process /bin/sh -c 'cd /dev; ls used empty none free 2>/dev/null; for d in used free readonly; do
		/bin/busybox dd if=$d bs=1 skip=1080 count=2 2>/dev/null | /bin/busybox od -An -tx2; echo written | /bin/busybox dd of=$d conv=notrunc,fsync 2>/dev/null; echo $d $?; done'
	try hv --debug --log "$SCRATCH/log" run "$ID"
	status_is 0
	same "$(tr '\n' ' ' <<<"$output")" "free used  ef53 used 1  ef53 free 0  ef53 readonly 1 "
	grep -q 'linux.devices\[1\]: /dev/empty (7:1048575) is left out' "$SCRATCH/log"
	grep -q 'linux.devices\[0\]: /dev/used .* is in use on the host, .*: it can only be read' "$SCRATCH/log"
	same "$(<"$SCRATCH/mounted/file")" inside
	eventually sh -c 'head -c 7 "$1" | grep -q written' - "$SCRATCH/free.img"
}

@test "a loop device without a file is none of a privileged container's disks" {
	only_hyperv "it is the host's own"
	data_image
	loop
	privileged "$(numbered data "$LOOP")"
	losetup -d "$LOOP"
	LOOP=''
	process /bin/sh -c 'ls /dev/data 2>/dev/null; ls /sys/block'
	run_ok
	lacks /dev/data vd
}

@test "privileged containers have the same devices at the same time, and keep them from nobody who means one" {
	only_hyperv "they are the host's own"
	data_image
	loop
	privileged "$(numbered data "$LOOP")"
	process /bin/init pause
	background "$ID"
	background "$ID-2"
	config '.linux.devices = [] | .linux.resources.devices = []'
	allow rw
	mount_add ext4 "$LOOP"
	check_mount_of "$ID-3"
	hv delete -f "$ID"
	hv delete -f "$ID-2"
}
